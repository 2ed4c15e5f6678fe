import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const sources = ["core", "hooks", "plugins"].flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts")).map((name) => join(folder, name)));
const text = (path: string): string => readFileSync(join(root, path), "utf8");

test("no program is run by way of a shell: what starts programs takes words, and few files start any", () => {
  expect(sources.length).toBeGreaterThan(200);
  const starters = sources.filter((path) => /["']node:child_process["']|["']child_process["']|["']execa["']/.test(text(path))).sort();
  expect(starters).toEqual(["core/leash.ts", "core/port-holder.ts", "core/process-identity.ts", "core/process-table.ts", "core/process.ts", "core/spawn.ts", "core/unpack/program.ts"]);
  for (const path of starters) {
    expect(text(path), path).not.toMatch(/\bshell\s*:/);
    // exec and execSync hand a line to a shell; so does execa's execaCommand with a shell, and its $ takes a line apart by itself.
    for (const [line] of text(path).matchAll(/^.*child_process.*$|^.*import\("execa"\).*$|.*await loadExeca\(\).*/gm)) expect(line, path).not.toMatch(/\b(exec|execSync|execaCommand|execaCommandSync)\b|\$/);
    if (path !== "core/leash.ts") expect(text(path), path).not.toMatch(/["'](\/bin\/)?(ba|da|z)?sh["']/);
  }
});

test("the one shell that there is watches a pipe: its text is fixed, and all that it is given is a number", () => {
  const leash = text("core/leash.ts");
  expect(leash.match(/spawn\([^;]*;/gs)).toEqual([expect.stringMatching(/^spawn\("\/bin\/sh", \["-c", script, "leash", String\(pid\)\], \{ detached: true/)]);
  expect(/^const script = `(.*)`;$/m.exec(leash)?.[1]?.match(/\$\{[^}]*\}/g)).toEqual(["${graceSeconds}"]);
  expect(leash).toMatch(/^export function leash\(pid: number\)/m);
});

test("no text is run as a program of ours", () => {
  for (const path of sources) expect(text(path), path).not.toMatch(/\beval\s*\(|new Function\s*\(|from ["']node:vm["']/);
});

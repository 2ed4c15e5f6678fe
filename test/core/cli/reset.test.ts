import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandLine, type CommandLine } from "./command-line.ts";

/** Two machines, one of which cannot be read, an image that nobody uses, caches, a tool and a config. */
function filled(): CommandLine {
  const line = commandLine();
  const { paths, add } = line;
  for (const name of ["web", "broken"]) add(name);
  writeFileSync(paths.machine("broken").record, "{");
  for (const folder of [join(paths.store, "partial/x"), join(paths.cache, "texts"), paths.config, join(paths.tools, "gvproxy")]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(paths.config, "config.yaml"), "cpus: 2\n");
  writeFileSync(join(paths.tools, "gvproxy/gvproxy"), "");
  return line;
}
const question = `Warning: this command will delete all machines of glowplug,
all images, and everything that is kept of them

The following machine(s) will be deleted:

NAME        PROVIDER
broken      
web         launcher

Are you sure you want to continue? [y/N] `;

test("reset asks with podman's table, and a no changes nothing", async () => {
  const { run, paths } = filled();
  expect(await run(["reset"], { input: "n\n" })).toEqual({ status: 0, stdout: question, stderr: "" });
  expect(existsSync(paths.machine("web").record)).toBe(true);
  expect(await run(["reset"])).toMatchObject({ status: 125, stdout: question });
});

test("reset removes every machine, images and caches, and leaves tools and the user's config", async () => {
  const { run, paths } = filled();
  expect(await run(["reset"], { input: "y\n" })).toMatchObject({ status: 0, stdout: question });
  expect([existsSync(paths.machines), existsSync(paths.store), existsSync(paths.cache), readdirSync(paths.data), readdirSync(paths.config)]).toEqual([false, false, false, ["tools"], ["config.yaml"]]);
});

test("reset --force asks nobody, says as JSON what it removed, and is fine with nothing to do", async () => {
  const { run } = filled();
  expect(JSON.parse((await run(["reset", "--force", "--json"])).stdout)).toEqual({ Removed: ["broken", "web"] });
  expect(await run(["reset", "-f"])).toEqual({ status: 0, stdout: "", stderr: "" });
});

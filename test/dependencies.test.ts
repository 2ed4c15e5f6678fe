import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}
type Named = Readonly<Record<string, string>>;
const { dependencies, devDependencies } = JSON.parse(read("package.json")) as { readonly dependencies: Named; readonly devDependencies: Named };
const { packages } = JSON.parse(read("package-lock.json")) as { readonly packages: Readonly<Record<string, Locked>> };
const direct: Named = { ...dependencies, ...devDependencies };
const locked = Object.entries(packages).filter(([path]) => path !== "");
/** The rows of the table: packages, home, reason. */
const rows = [...read("docs/dependencies.md").matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(([, names = "", home = "", why = ""]) => ({ names: names.split(",").map((name) => name.trim()), home: home.trim(), why: why.trim() })).filter(({ home }) => home.startsWith("`"));

test("every dependency is of one exact version, the one that is locked", () => {
  for (const [name, version] of Object.entries(direct)) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
  }
});

test("every package is locked by its checksum, and comes from no place of its own", () => {
  expect(locked.length).toBeGreaterThan(50);
  for (const [path, { integrity, resolved, link }] of locked) {
    expect(integrity, path).toMatch(/^sha512-/);
    expect([resolved, link], path).toEqual([undefined, undefined]);
  }
});

test("no package runs anything when it is installed: npm is told not to, and none needs it", () => {
  expect(read(".npmrc").split("\n")).toContain("ignore-scripts=true");
  // esbuild's only looks whether its program is the right one; ssh2's and cpu-features' build parts that are left out.
  expect(locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path).sort()).toEqual(["node_modules/cpu-features", "node_modules/esbuild", "node_modules/ssh2"]);
});

test("every dependency stands in the document with its reason, and nothing else does", () => {
  const documented = rows.flatMap(({ names }) => names);
  expect(documented.filter((name, index) => documented.indexOf(name) !== index)).toEqual([]);
  expect([...documented].sort()).toEqual(Object.keys(direct).filter((name) => !name.startsWith("@types/")).sort());
  for (const { names, why } of rows) expect(why.length, names.join()).toBeGreaterThan(20);
});

test("few are needed to run, and few are there at all", () => {
  expect(Object.keys(dependencies).sort()).toEqual(["esbuild", "openpgp", "tsx"]);
  expect(Object.keys(direct).length).toBeLessThanOrEqual(20);
});

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MachineError } from "../../core/errors.ts";
import type { Role } from "../../core/plugin-check.ts";
import { createResolver, listBuiltIns, type PluginResolver } from "../../core/resolve.ts";
import { findRunningCopy } from "../../core/running-copy.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";

let folder: TestFolder;
let resolver: PluginResolver;
/** Addresses and packages that were loaded as the user's. */
let loaded: string[];

beforeEach(() => {
  folder = makeTestFolder();
  loaded = [];
  const image = (body: string): string => `export default function image(options) { return { name: ${body}, role: "image", firstBoot: "ignition", user: "core", locate() {} }; }`;
  put("plugins/images/fcos.js", image("JSON.stringify(options)"));
  put("plugins/images/file.js", image("JSON.stringify(options)"));
  put("plugins/images/oci.js", image("JSON.stringify({ oci: options })"));
  put("plugins/images/big/index.js", image('"big"'));
  put("plugins/images/big/part.js", "");
  put("plugins/images/notes.md", "");
  put("plugins/launchers/broken.js", "export default function broken() { throw new Error('no /dev/kvm'); }");
  put("plugins/launchers/wrong.js", "export default () => ({ name: 'wrong', role: 'forwarder' });");
  put("plugins/addons/ready.js", "export default { name: 'ready' };");
  put("plugins/addons/empty.js", "export const nothing = 1;");
  put("plugins/addons/later.js", "export default async (options) => ({ name: 'later', options });");
  resolver = createResolver({
    copy: { plugins: join(folder.path, "plugins"), ending: ".js", face: "", testing: "" }, home: "/home/me",
    load: async (specifier, from) => {
      loaded.push(`${specifier} from ${from}`);
      if (specifier === "my-addon" || specifier.startsWith("file:")) return { default: () => ({ name: specifier }) };
      throw new MachineError("not-found", `there is no package ${specifier}`);
    },
  });
});
afterEach(() => folder.remove());

function put(path: string, text: string): void {
  const whole = join(folder.path, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
}
async function failureOf(role: Role, wanted: string | readonly [string, object]): Promise<MachineError> {
  const error: unknown = await resolver(role, wanted as string, "/scripts").then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(MachineError);
  return error as MachineError;
}

test("the built-ins of a role are the files and indexes in its folder", () => {
  const copy = { plugins: join(folder.path, "plugins"), ending: ".js" } as const;
  expect([...listBuiltIns(copy, "image")]).toEqual([
    ["big", join(copy.plugins, "images/big/index.js")], ["fcos", join(copy.plugins, "images/fcos.js")], ["file", join(copy.plugins, "images/file.js")],
    ["oci", join(copy.plugins, "images/oci.js")],
  ]);
  expect([...listBuiltIns(copy, "forwarder")]).toEqual([]);
});

test.each<[string, string | [string, object], object]>([
  ["a plain name", "fcos", {}],
  ["a name with options", ["fcos", { stream: "next" }], { stream: "next" }],
  ["a stream", "fcos:testing", { stream: "testing" }],
  ["a release", "fcos@44.1", { release: "44.1" }],
  ["a release and its build", "fcos@24.04:20260705", { release: "24.04", build: "20260705" }],
  ["a stream and a release", "fcos:next@44.1", { stream: "next", release: "44.1" }],
  ["a stream, a release and its build", "fcos:minimal@24.04:20260705-1", { stream: "minimal", release: "24.04", build: "20260705-1" }],
  ["a disk beside the script", "./disk.qcow2", { path: "/scripts/disk.qcow2" }],
  ["a disk by its ending", "disk.raw.xz", { path: "/scripts/disk.raw.xz" }],
  ["a disk at home", "~/disk", { path: "/home/me/disk" }],
  ["an absolute disk", "/srv/disk", { path: "/srv/disk" }],
  ["an address", "https://example.org/disk.qcow2", { url: "https://example.org/disk.qcow2" }],
  ["an image of a registry", "docker://example.org/machine-os:5.6", { oci: { url: "docker://example.org/machine-os:5.6" } }],
  ["a layout beside the script", "oci:./layout:5.6", { oci: { path: "/scripts/layout:5.6" } }],
  ["a layout at home", "oci:~/layout", { oci: { path: "/home/me/layout" } }],
])("an image is named by %s", async (_, wanted, options) => {
  expect((await resolver("image", wanted as string, "/scripts")).name).toBe(JSON.stringify(options));
  expect(loaded).toEqual([]);
});

test("a path is relative to whoever named it, and home is home", async () => {
  await resolver("addon", "./mine.ts", "/scripts");
  await resolver("addon", "~/mine.mjs", "/scripts");
  expect(loaded).toEqual([`${pathToFileURL("/scripts/mine.ts").href} from /scripts`, `${pathToFileURL("/home/me/mine.mjs").href} from /scripts`]);
});

test("a name that no built-in has is a package near the script", async () => {
  expect((await resolver("addon", "my-addon", "/scripts")).name).toBe("my-addon");
  expect(loaded).toEqual(["my-addon from /scripts"]);
});

test("a ready-made plugin and an async factory are taken", async () => {
  expect(await resolver("addon", "ready", "/scripts")).toEqual({ name: "ready" });
  expect(await resolver("addon", ["later", { a: 1 }], "/scripts")).toEqual({ name: "later", options: { a: 1 } });
});

test.each<[string, Role, string | readonly [string, object], object]>([
  ["a misspelt name", "image", "fcso", { code: "not-found", message: 'unknown image "fcso"; did you mean "fcos"?', hint: 'Built in: big, fcos, file, oci. A path such as "./my-plugin.ts" and an installed package work as well.' }],
  ["a release without its number", "image", "fcos@", { code: "not-found", message: 'unknown image "fcos@"; did you mean "fcos"?' }],
  ["two releases", "image", "fcos@44@45", { code: "not-found", message: 'unknown image "fcos@44@45"' }],
  ["a misspelt name with a release and a build", "image", "fcso@1:2", { code: "not-found", message: 'unknown image "fcso"; did you mean "fcos"?' }],
  ["a misspelt name with a stream", "image", "fcso:next", { code: "not-found", message: 'unknown image "fcso"; did you mean "fcos"?' }],
  ["a name of a role without built-ins", "forwarder", "x", { code: "not-found", message: 'unknown forwarder "x"' }],
  ["a factory that throws", "launcher", "broken", { code: "bad-plugin", message: 'plugin "broken" failed when it was made: no /dev/kvm', plugin: "broken" }],
  ["a plugin of another role", "launcher", "wrong", { code: "bad-plugin", message: 'plugin "wrong": expected a launcher plugin, found a forwarder plugin ("wrong")' }],
  ["a module without a default export", "addon", "empty", { code: "bad-plugin", message: 'plugin "empty" has no default export' }],
  ["options for a ready-made plugin", "addon", ["ready", { a: 1 }], { code: "bad-plugin", message: 'plugin "ready" takes no options: it exports a ready-made plugin' }],
])("%s is an error", async (_, role, wanted, expected) => {
  expect(await failureOf(role, wanted)).toMatchObject(expected);
});

test("the running copy is found from any of its modules", () => {
  const root = new URL("../../", import.meta.url);
  const copy = findRunningCopy(new URL("core/spec/read.ts?v=1", root).href);
  expect(Object.values(copy).map((path) => path.replace(root.pathname, ""))).toEqual([".ts", "core/index.ts", "test/contracts/index.ts", "plugins"]);
  put("index.js", "");
  expect(findRunningCopy(pathToFileURL(join(folder.path, "chunk-1.js")).href)).toEqual({
    ending: ".js", face: join(folder.path, "index.js"), testing: join(folder.path, "testing.js"), plugins: join(folder.path, "plugins"),
  });
});

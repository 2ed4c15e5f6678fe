import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { Forwarder, ImageSource, Launcher, Plugin, Provisioner } from "glowplug";
import { contractOf, type ContractCheck } from "glowplug/testing";
import { listBuiltIns } from "../../core/resolve.ts";
import { machineOs } from "../support/oci-image.ts";
import { publishers } from "../support/publishers.ts";

const plugins = fileURLToPath(new URL("../../plugins", import.meta.url));
const stable = readFileSync(new URL("../fixtures/streams/stable.json", import.meta.url), "utf8");

const folder = mkdtempSync(join(tmpdir(), "gp-"));
const site = join(folder, "site.yml");
writeFileSync(site, "- hosts: localhost\n");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What built-ins need that can do nothing without. A new plugin is found by its file. */
const options: Readonly<Record<string, unknown>> = { file: { path: "./disk.qcow2" }, oci: { url: "docker://registry.test/machine-os:5.6" }, swap: { swap: "1GiB" }, playbook: { playbook: site } };
const image = machineOs();
const texts = {
  "https://builds.coreos.fedoraproject.org/streams/stable.json": stable,
  ...Object.assign({}, ...Object.values(publishers)) as Readonly<Record<string, string>>,
  ...Object.fromEntries([["5.6", image.root] as const, ...image.documents.map((document) => [document.digest, document] as const)].map(([name, { bytes }]) => [`https://registry.test/v2/machine-os/manifests/${name}`, bytes.toString()])),
};

type Make = () => never;
const contracts: Readonly<Record<"image" | "provisioner" | "launcher" | "forwarder" | "addon", (make: Make) => readonly ContractCheck[]>> = {
  image: (make: () => ImageSource) => contractOf("image", make, { texts }),
  provisioner: (make: () => Provisioner) => contractOf("provisioner", make),
  launcher: (make: () => Launcher) => contractOf("launcher", make),
  forwarder: (make: () => Forwarder) => contractOf("forwarder", make),
  addon: (make: () => Plugin) => contractOf("addon", make),
};

for (const role of ["image", "provisioner", "launcher", "forwarder", "addon"] as const) {
  const found = [...listBuiltIns({ plugins, ending: ".ts" }, role)];
  describe.each(found)(`the ${role} %s`, async (name, path) => {
    const { default: factory } = (await import(pathToFileURL(path).href)) as { readonly default: (options?: unknown) => never };
    for (const { title, run } of contracts[role](() => factory(options[name]))) it(title, run);
  });
  it(`finds built-in plugins for the role ${role}`, () => expect(found.length).toBeGreaterThan(0));
}

it("finds built-ins where the resolver finds them", () => {
  expect([...listBuiltIns({ plugins, ending: ".ts" }, "launcher")].map(([, path]) => path)).toContain(join(plugins, "launchers/qemu.ts"));
});

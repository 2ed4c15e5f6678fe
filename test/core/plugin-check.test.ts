import { expect, test } from "vitest";
import { checkNames, checkPlugin, type Role } from "../../core/plugin-check.ts";
import { plainForwarder, plainImage, plainLauncher, plainProvisioner } from "../fixtures/plain-plugins.ts";

function qemu(): unknown {
  return plainLauncher();
}
class Counting {
  readonly name = "counting";
  count = 0;
  afterStart(): void {
    this.count += 1;
  }
}
class Misspelt {
  readonly name = "misspelt";
  afterStrat(): void {}
}

const wrong: readonly (readonly [what: string, value: unknown, role: Role, problems: readonly string[]])[] = [
  ["nothing", undefined, "addon", ["it: expected a plugin, found nothing"]],
  ["a number", 7, "image", ["it: expected an image plugin, found 7"]],
  ["a list", [], "launcher", ["it: expected a launcher plugin, found an empty list"]],
  ["a factory that was not called", qemu, "launcher", ["it: expected a launcher plugin, found the function qemu; call it: qemu()"]],
  ["a promise", Promise.resolve(), "addon", ["it: expected a plugin, found a promise; await it"]],
  ["no name", {}, "addon", ["it.name: expected a name, found nothing"]],
  ["an empty name", { name: " " }, "addon", ['it.name: expected a name, found " "']],
  ["a hook that is no method", { name: "x", ignition: true }, "addon", ["it.ignition: expected a method, found true"]],
  ["a misspelt hook", { name: "x", afterStrat() {} }, "addon", ["it: unknown hook afterStrat; did you mean afterStart?"]],
  ["a hook in lower case", { name: "x", beforeboot() {} }, "addon", ["it: unknown hook beforeboot; did you mean beforeBoot?"]],
  ["a misspelt hook of a class", new Misspelt(), "addon", ["it: unknown hook afterStrat; did you mean afterStart?"]],
  ["a hook that there is not", { name: "x", beforeMount() {} }, "addon", ["it: unknown hook beforeMount; the hooks are beforeDownload, ignition, beforeBoot, afterStart, beforeStop"]],
  ["registrations as a list", { name: "x", registrations: [] }, "addon", ["it.registrations: expected a method, found an empty list"]],
  ["a launcher among the addons", plainLauncher(), "addon", ['it: expected an addon, found a launcher plugin; put it into the field "launcher"']],
  ["a role that there is not", { name: "x", role: "disk" }, "addon", ['it.role: expected none, found "disk"']],
  ["a launcher as an image", plainLauncher(), "image", ['it: expected an image plugin, found a launcher plugin ("plain-launcher")']],
  ["an addon as a launcher", { name: "x" }, "launcher", ['it: expected a launcher plugin, found a plugin without a role ("x")']],
  ["an image with too little", { name: "x", role: "image", firstBoot: "kickstart" }, "image", [
    'it.firstBoot: expected "ignition" or "cloud-init", found "kickstart"', "it.user: expected a text, found nothing", "it.locate: expected a method, found nothing",
  ]],
  ["a provisioner without a seed", { ...plainProvisioner(), seed: undefined }, "provisioner", ['it.seed: expected "ignition" or "nocloud", found nothing']],
  ["a launcher with too little", { ...plainLauncher(), links: "user", abilities: null }, "launcher", ['it.links: expected a list, found "user"', "it.abilities: expected an object, found null"]],
  ["a forwarder with too little", { ...plainForwarder(), runtimePorts: "yes" }, "forwarder", ['it.runtimePorts: expected true or false, found "yes"']],
];
test.each(wrong)("%s is no good plugin", (_, value, role, problems) => {
  expect(checkPlugin(value, "it", role)).toEqual(problems);
});

const right: readonly (readonly [what: string, value: unknown, role: Role])[] = [
  ["an addon with a private helper", { name: "x", ready: 1, prepare() {}, ignition() {} }, "addon"],
  ["an instance of a class", new Counting(), "addon"],
  ["an image", plainImage(), "image"],
  ["a provisioner", plainProvisioner(), "provisioner"],
  ["a launcher", plainLauncher(), "launcher"],
  ["a forwarder", plainForwarder(), "forwarder"],
];
test.each(right)("%s is a good plugin", (_, value, role) => {
  expect(checkPlugin(value, "it", role)).toEqual([]);
});

test("a whole module is told from its default export", async () => {
  expect(checkPlugin(await import("../fixtures/plain-plugins.ts"), "launcher", "launcher")).toEqual(["launcher: expected a launcher plugin, found a whole module; use its default export"]);
});

test("two plugins of one name are reported once", () => {
  expect(checkNames([{ name: "a" }, { name: "b" }, { name: "a" }, { name: "a" }])).toEqual(['plugins: expected different names, found 3 plugins named "a"']);
});

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Plan } from "glowplug";
import { contractOf, testMachine } from "glowplug/testing";
import { overSsh } from "../examples/own-forwarder.ts";
import { ourLinux } from "../examples/own-image.ts";
import { throwaway } from "../examples/own-launcher.ts";

const folder = fileURLToPath(new URL("../examples/", import.meta.url));

interface Example {
  /** Of several machines in a script, the one that is planned. */
  readonly name?: string;
  /** image, provisioner, launcher, forwarder. */
  readonly slots: readonly string[];
  /** After the slots. */
  readonly plugins: readonly string[];
  /** Parts of the VM's line. */
  readonly line?: readonly string[];
  readonly plan?: Partial<Plan>;
}

const usual = ["ignition", "qemu", "gvproxy"];
const port = (hostPort: number, guestPort: number) => ({ host: "127.0.0.1", hostPort, guestPort, protocol: "tcp" as const });

/** Every script and config among the examples, by its file. */
const examples: Readonly<Record<string, readonly Example[]>> = {
  "only-cpus.ts": [{ slots: ["fcos", ...usual], plugins: ["podman", "proxy"], line: ["-smp 2", "-m 2048M"] }],
  "debian-qemu-flags.ts": [{ slots: ["debian-bootstrap", ...usual], plugins: ["podman", "proxy"], line: ["-device i6300esb", "-action watchdog=reset", "-m 1024M"] }],
  "hooks.ts": [{ slots: ["debian-bootstrap", ...usual], plugins: ["podman", "proxy", "hooks.ts"], line: ["-device virtio-keyboard-pci"] }],
  "own-plugin.ts": [{ slots: ["debian-bootstrap", ...usual], plugins: ["podman", "proxy", "motd"], line: ["-device virtio-keyboard-pci"] }],
  "own-image.ts": [{ slots: ["our-linux", ...usual], plugins: ["podman", "proxy"] }],
  "own-launcher.ts": [{ slots: ["debian-bootstrap", "ignition", "throwaway", "gvproxy"], plugins: ["proxy"], line: ["-snapshot"] }],
  "own-forwarder.ts": [{ slots: ["debian-bootstrap", "ignition", "qemu", "over-ssh"], plugins: ["podman", "proxy"], line: ["-netdev user"], plan: { ports: [port(8080, 80)] } }],
  "two-machines.ts": [
    { name: "back", slots: ["debian-bootstrap", ...usual], plugins: ["proxy"], plan: { name: "back", ports: [port(9000, 9000)] } },
    { name: "front", slots: ["debian-bootstrap", ...usual], plugins: ["proxy"], plan: { name: "front", ports: [] } },
  ],
  "machine.yaml": [{ slots: ["fcos", ...usual], plugins: ["podman", "proxy", "timezone", "motd"], line: ["-device virtio-keyboard-pci"], plan: { name: "from-yaml", ports: [port(8080, 80)] } }],
  // Its image depends on the host.
  "quickstart.ts": [{ slots: [expect.stringMatching(/^(fcos|debian-bootstrap)$/) as unknown as string, ...usual], plugins: ["podman", "proxy"], line: ["-smp 2"], plan: { name: "quickstart" } }],
};
/** What describes no machine: a plugin, its test, and a script that uses a machine that runs. */
const others = ["motd-plugin.ts", "motd-plugin.test.ts", "quickstart-tour.ts"];

it("knows every example", () => {
  expect(readdirSync(folder).sort()).toEqual([...Object.keys(examples), ...others].sort());
});

describe.each(Object.entries(examples).flatMap(([file, machines]) => machines.map((example) => ({ title: [file, example.name ?? []].flat().join(" "), file, ...example }))))("$title", ({ file, name, slots, plugins, line = [], plan: expected = {} }) => {
  it("is loaded as the command loads it, makes a machine and plans its start", async () => {
    await using test = await testMachine(join(folder, file), { start: false, ...(name !== undefined && { name }) });
    const plan = await test.machine.plan();
    expect([plan.slots.image, plan.slots.provisioner, plan.slots.launcher, plan.slots.forwarder]).toEqual(slots);
    expect(plan.plugins).toEqual([...slots, ...plugins, "test-machine"]);
    expect(plan).toMatchObject(expected);
    for (const part of line) expect(plan.vm.line).toContain(part);
  });
});

const linux = "https://images.example/linux/";
const sums = ["amd64", "arm64"].map((arch) => `${"a".repeat(64)}  our-linux-3.1-20260701.${arch}.qcow2.xz\n`).join("");

describe("the image of own-image.ts", () => {
  const texts = { [linux]: '<a href="../">..</a> <a href="2.0/">2.0/</a> <a href="3.1/">3.1/</a>', [`${linux}3.1/SHA256SUMS`]: sums };
  for (const { title, run } of contractOf("image", () => ourLinux(), { texts })) it(title, run);
});
describe("the launcher of own-launcher.ts", () => {
  for (const { title, run } of contractOf("launcher", () => throwaway())) it(title, run);
});
describe("the forwarder of own-forwarder.ts", () => {
  for (const { title, run } of contractOf("forwarder", () => overSsh())) it(title, run);
});

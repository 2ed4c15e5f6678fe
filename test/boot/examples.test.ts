import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { processesOf, World } from "../support/world.ts";

/**
 * Two of the examples, booted as they are, one after the other: they share the guest that is built once. The others live on fake
 * programs (test/fake/examples.test.ts) or are planned (test/examples.test.ts); only-cpus.ts and machine.yaml would download
 * Fedora CoreOS.
 */
const example = (name: string): string => resolve(import.meta.dirname, "../../examples", name);

let world: World;
beforeAll(() => {
  world = new World();
});
afterAll(() => world.close());

describe("own-plugin.ts", () => {
  afterAll(() => world.glowplug("rm", "--force", "own-plugin"));

  it("starts, and its plugin finds the greeting", async () => {
    expect(await world.glowplug("up", example("own-plugin.ts"))).toMatchObject({ code: 0, stderr: expect.stringContaining("motd: the greeting is in place") });
  });

  it("has the greeting in the guest", async () => {
    expect(await world.ok("ssh", "own-plugin", "cat /etc/motd")).toBe("Welcome aboard.\n");
  });

  it("has the keyboard of its QEMU flag", async () => {
    // A virtio device has the PCI id 0x1040 and its own number; input devices are 18 (virtio 1.2, 4.1.2.1 and 5).
    expect((await world.ok("ssh", "own-plugin", "cat /sys/bus/pci/devices/*/device")).split("\n")).toContain("0x1052");
  });
});

describe("own-launcher.ts", () => {
  const disk = (): string => createHash("sha256").update(readFileSync(join(world.folder, "data/glowplug/machines/own-launcher/disk.qcow2"))).digest("hex");
  let before: string;
  afterAll(() => world.glowplug("rm", "--force", "own-launcher"));

  it("starts with -snapshot", async () => {
    await world.ok("init", example("own-launcher.ts"));
    before = disk();
    await world.ok("start", "own-launcher");
    expect(processesOf(world.folder).filter((line) => line.includes("qemu-system") && line.includes(" -snapshot"))).toHaveLength(1);
  });

  it("writes nothing of the guest's to its disk", async () => {
    expect(await world.ok("ssh", "own-launcher", "head -c 8M /dev/urandom > ~/noise && sync && wc -c < ~/noise")).toBe(`${8 * 2 ** 20}\n`);
    expect(disk()).toBe(before);
  });
});

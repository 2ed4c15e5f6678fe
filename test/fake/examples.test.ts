import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { testMachine, type TestMachine } from "glowplug/testing";
import overSsh from "../../examples/own-forwarder.ts";
import { freePort } from "../support/free-port.ts";
import { processesOf } from "../support/world.ts";

// The test that lies beside the example is a test of ours as well.
import "../../examples/motd-plugin.test.ts";

const folder = join(import.meta.dirname, "../../examples");
const logged = ({ told }: TestMachine): readonly string[] => told.filter((line) => /^info: (hooks\.ts|motd): /.test(line));

describe("examples live a whole life on fake programs:", () => {
  it("hooks.ts, whose hooks are all called", async () => {
    await using test = await testMachine(join(folder, "hooks.ts"));
    expect(logged(test)).toEqual(["info: hooks.ts: the disk will be an empty disk", "info: hooks.ts: vm.swappiness = 10"]);
    expect(test.guest.units).toContainEqual({ name: "fstrim.timer", enabled: true, by: "hooks.ts" });
    await test.machine.stop();
    expect(test.commands().at(-1)).toEqual({ user: "core", command: "sudo sync" });
    expect(processesOf(test.folder)).toEqual([]);
  });

  it("own-plugin.ts, whose plugin finds its greeting", async () => {
    await using test = await testMachine(join(folder, "own-plugin.ts"));
    expect(logged(test)).toEqual(["info: motd: the greeting is in place"]);
    expect(await test.machine.exec("cat /etc/motd")).toMatchObject({ stdout: "Welcome aboard.\n" });
  });

  it("own-launcher.ts, whose VM writes into a temporary file at each start", async () => {
    await using test = await testMachine(join(folder, "own-launcher.ts"));
    await test.machine.stop();
    await test.machine.start();
    const runs = test.calls("qemu-system-x86_64").filter(({ kind }) => kind === "run");
    expect(runs.map(({ argv }) => argv.includes("-snapshot"))).toEqual([true, true]);
  });

  it("own-forwarder.ts, whose port is carried over ssh", async () => {
    const port = await freePort();
    await using test = await testMachine({ ...overSsh, ports: [`${port}:80`] });
    const { keeper } = await test.machine.status();
    expect(keeper?.ports).toEqual([{ host: "127.0.0.1", hostPort: port, guestPort: 80, protocol: "tcp" }]);
    expect(test.calls("gvproxy")).toEqual([]);
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { waitListening } from "../../../core/keeper/listening.ts";
import { Qmp } from "../../../core/keeper/qmp.ts";
import { replugNic } from "../../../core/keeper/replug.ts";
import { networkFlags } from "../../../plugins/launchers/qemu/network.ts";
import { installFakes } from "../../fixtures/fakes.ts";
import { scratchFolder } from "../../fixtures/login.ts";

const slot = { bus: "pci.0", addr: "0x3", hotplug: true };

/** The fake QEMU with a card on a socket of ours, and its monitor. */
async function start(): Promise<{ qmp: Qmp; link: Server; linked: Promise<unknown>; steps: NonNullable<ReturnType<typeof networkFlags>["replug"]> }> {
  const folder = scratchFolder();
  const [path, monitor] = [join(folder, "vm.sock"), join(folder, "qmp.sock")];
  const link = createServer((socket) => socket.on("error", () => {}).resume()).listen(path);
  await once(link, "listening");
  const linked = once(link, "connection");
  const { netdev, devices, replug: steps = [] } = networkFlags({ kind: "unix-stream", path, mac: "5a:94:ef:e4:0c:ee" }, slot, "7.2.22");
  const vm = spawn(join(installFakes(join(folder, "bin")).folder, "qemu-system-x86_64"), ["-S", "-qmp", `unix:${monitor},server=on,wait=off`, "-netdev", netdev, ...devices.flatMap((device) => ["-device", device])], { stdio: "ignore" });
  onTestFinished(async () => {
    vm.kill("SIGKILL");
    await once(vm, "exit");
    link.close();
  });
  await waitListening([monitor], { timeoutMs: 10_000, signal: new AbortController().signal, who: "qemu", death: new Promise<never>(() => {}) });
  return { qmp: await Qmp.open(monitor, 10_000), link, linked, steps };
}

it("the card finds who listens in the place of a forwarder that is gone", async () => {
  const { qmp, link, linked, steps } = await start();
  await linked;
  const again = once(link, "connection");
  await replugNic(qmp, steps);
  await again;
});

it("a card that was unplugged and not plugged in is passed over", async () => {
  const { qmp, link, linked, steps } = await start();
  await linked;
  await replugNic(qmp, steps.slice(0, 2));
  const again = once(link, "connection");
  await replugNic(qmp, steps);
  await again;
});

it("a guest that does not let the card go is named", async () => {
  const { qmp, steps } = await start();
  const [unplug, ...rest] = steps;
  const never = { ...unplug, execute: "device_del", awaitEvent: { name: "DEVICE_DELETED", data: { device: "another" } } };
  await expect(replugNic(qmp, [never, ...rest], 1000)).rejects.toMatchObject({
    code: "keeper", stage: "device_del", message: "the guest's network card cannot be plugged anew: the VM did not report DEVICE_DELETED within 1 s",
  });
});

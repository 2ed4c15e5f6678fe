import { pause } from "./again.ts";
import { step } from "../step.ts";
import { endChild } from "./child.ts";
import type { Parts } from "./parts.ts";

/** Ends everything in order: the guest, the VM, sockets, helpers, the forwarder. Never throws. */
export async function takeDown(parts: Parts, { force, timeoutMs }: { readonly force: boolean; readonly timeoutMs: number }): Promise<void> {
  const { children, control, console, ready, connections, sockets, stopping } = parts;
  const { vm } = children;
  if (vm && !vm.hasExited()) {
    if (!force && (await control.powerDown(vm, timeoutMs))) await Promise.race([vm.exited, pause(timeoutMs)]);
    step("keeper.guest-down");
    if (!vm.hasExited() && (await Promise.race([control.quit(), vm.exited]))) await Promise.race([vm.exited, pause(2000)]);
    await endChild(vm, 2000);
    step("keeper.vm-down");
  }
  console.close();
  stopping.abort();
  ready.close();
  control.close();
  await sockets.close();
  parts.lan?.close();
  connections.end();
  step("keeper.sockets-down");
  await children.endAll();
  step("keeper.down");
}

#!/usr/bin/env glowplug
// A launcher of one's own, made of another: whatever the guest writes is forgotten when it stops, so each start is a first boot.
//   glowplug up ./own-launcher.ts
import { defineMachine, type Launcher } from "glowplug";
import qemu, { type QemuOptions } from "glowplug/plugins/launchers/qemu";

/** QEMU with -snapshot: writes go into a temporary file, and the disk stays as it was (qemu(1), "-snapshot"). */
export function throwaway(options: QemuOptions = {}): Launcher {
  const base = qemu(options);
  return {
    ...base,
    name: "throwaway",

    async plan(input) {
      const plan = await base.plan({ ...input, firstBoot: true });
      plan.vm.add("-snapshot");
      return plan;
    },
  };
}

export default defineMachine({
  image: "debian-bootstrap",
  memory: "1GiB",
  disk: "10GiB",
  podman: false,
  launcher: throwaway(),
});

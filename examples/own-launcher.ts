#!/usr/bin/env glowplug
// A launcher of one's own, made of another: whatever the guest writes is forgotten at the next start, which is a first boot again.
// (QEMU's -snapshot would not do: it has no effect on disks that are described by -blockdev, as ours are.)
//   glowplug up ./own-launcher.ts
import { join } from "node:path";
import { defineMachine, type Launcher } from "glowplug";
import qemu, { type QemuOptions } from "glowplug/plugins/launchers/qemu";

/** QEMU on a copy of the machine's disk. The disk holds only what differs from its image, so the copy is small and quick. */
export function throwaway(options: QemuOptions = {}): Launcher {
  const base = qemu(options);
  return {
    ...base,
    name: "throwaway",

    async plan(input) {
      const copy = join(input.folders.data, "throwaway.img");
      const plan = await base.plan({ ...input, firstBoot: true, disk: { ...input.disk, path: copy } });
      plan.files.push({ path: copy, content: { copyOf: input.disk.path } });
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

#!/usr/bin/env glowplug
// An image source of one's own: a folder on a web server, with disks for several architectures and their SHA256SUMS beside them.
// Put the address of yours in the place of images.example, and then
//   glowplug up ./own-image.ts
import { defineMachine, MachineError, type ImageSource } from "glowplug";

/** A disk that a web server publishes. `file` holds "ARCH" where the architecture's name goes. */
export function published({ folder, file }: { readonly folder: string; readonly file: string }): ImageSource {
  return {
    name: "published",
    role: "image",
    firstBoot: "ignition",
    user: "core",

    async locate({ arch, fetchText }) {
      const name = file.replace("ARCH", arch);
      const sums = await fetchText(`${folder}/SHA256SUMS`);
      const line = sums.split("\n").find((sum) => sum.endsWith(` ${name}`) || sum.endsWith(` *${name}`));
      if (line === undefined) throw new MachineError("not-found", `${folder} has no ${name}`, { hint: "Its SHA256SUMS lists what it has.", plugin: "published" });
      return { kind: "fetch", title: name, url: `${folder}/${name}`, digest: { algorithm: "sha256", hex: line.slice(0, 64) }, format: "qcow2", compression: "xz" };
    },
  };
}

export default defineMachine({
  image: published({ folder: "https://images.example/linux", file: "linux-ARCH.qcow2.xz" }),
});

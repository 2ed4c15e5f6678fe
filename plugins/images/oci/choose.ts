import type { Architecture, ImageQuery } from "glowplug";
import type { Descriptor } from "./document.ts";
import { fault } from "./fault.ts";

/** Go's words, which the specification wants, and the kernel's, which podman's machine-os uses for its disks (podman-machine-os, gather.sh). */
const words: Readonly<Record<Architecture, readonly string[]>> = {
  x86_64: ["x86_64", "amd64"], aarch64: ["aarch64", "arm64"], ppc64le: ["ppc64le"], s390x: ["s390x"],
};

/** podman's annotation: "qemu", "applehv" (also for libkrun), "hyperv", "wsl" (podman, pkg/machine/define/vmtype.go and ocipull/source.go). */
const diskType = "disktype";

/**
 * The entry of an index that holds the disk for this machine: of its architecture, and marked for the best-liked of the launcher's
 * platforms. Where none is marked, the only one. Throws MachineError "bad-image" that says what is there.
 */
export function chooseEntry(entries: readonly Descriptor[], where: string, { arch, platforms }: Pick<ImageQuery, "arch" | "platforms">): Descriptor {
  const fits = ({ os, architecture }: Descriptor): boolean => (os === undefined || os === "linux") && (architecture === undefined || words[arch].includes(architecture));
  const here = entries.filter(fits);
  if (here.length === 0) throw nothing(where, `has nothing for linux/${arch}`, entries.map(({ os = "any", architecture = "any" }) => `${os}/${architecture}`));
  const marked = here.filter(({ annotations }) => annotations[diskType] !== undefined);
  for (const platform of platforms) {
    const entry = marked.find(({ annotations }) => annotations[diskType] === platform);
    if (entry) return entry;
  }
  const [first] = here;
  if (marked.length > 0) throw nothing(where, `has no disk for ${platforms.join(" or ")} on ${arch}`, marked.map(({ annotations }) => annotations[diskType] ?? ""));
  if (here.length > 1 || !first) throw fault("bad-image", `${where} has ${here.length} images for ${arch}, and none is marked as a disk`, `Name one of them by its digest, or choose an image whose disks carry the annotation ${diskType}.`);
  return first;
}

function nothing(where: string, lack: string, there: readonly string[]): Error {
  return fault("bad-image", `${where} ${lack}; it has ${[...new Set(there)].sort().join(", ") || "nothing at all"}`, "Choose another tag, image or launcher.");
}

import { isObject } from "glowplug";
import { badImage, objectIn, type OfferedDisk } from "./disks.ts";

/** The streams that Fedora publishes for users. */
export const streams = ["stable", "testing", "next"] as const;
export type Stream = (typeof streams)[number];

/**
 * Every disk of an architecture in a stream's metadata: architectures.ARCH.artifacts.PLATFORM.formats.FORMAT.disk
 * (https://docs.fedoraproject.org/en-US/fedora-coreos/stream-metadata/). Throws MachineError "bad-image" when the way down to them is broken.
 */
export function disksOfStream(metadata: Readonly<Record<string, unknown>>, address: string, arch: string): readonly OfferedDisk[] {
  const architectures = objectIn(metadata, "architectures", address);
  if (!Object.hasOwn(architectures, arch)) {
    throw badImage(`${address} has nothing for ${arch}; it has ${Object.keys(architectures).join(", ") || "no architecture"}`, "Choose another stream or image.");
  }
  const artifacts = objectIn(objectIn(architectures, arch, address), "artifacts", address);
  return Object.entries(artifacts).flatMap(([platform, artifact]) => {
    if (!isObject(artifact) || !isObject(artifact["formats"])) return [];
    const { release } = artifact;
    return Object.entries(artifact["formats"]).flatMap(([ending, parts]): OfferedDisk[] => {
      const facts = isObject(parts) ? parts["disk"] : undefined;
      return isObject(facts) ? [{ platform, ending, release, url: facts["location"], signature: facts["signature"], facts }] : [];
    });
  });
}

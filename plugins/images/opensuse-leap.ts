import { cloudImage, type CloudImageOptions, type ImageSource } from "glowplug";
import { keys } from "./opensuse-leap/keys.ts";

/** openSUSE Leap's minimal image. Each checksum is signed by the key of openSUSE's build service. */
export default function opensuseLeap(options: CloudImageOptions = {}): ImageSource {
  return cloudImage({
    name: "opensuse-leap",
    title: "openSUSE Leap",
    user: "opensuse",
    // Sends on to a mirror that is near.
    url: "https://download.opensuse.org/distribution/",
    mirrors: ["https://downloadcontentcdn.opensuse.org/distribution/"],
    architectures: { x86_64: "x86_64", aarch64: "aarch64" },
    looks: [{
      at: ({ release }) => (release === undefined ? "openSUSE-stable/appliances/" : `leap/${release}/appliances/`),
      // 15.x has the distribution's name in front, and a version of its own in the middle.
      names: ["Leap-{release}-Minimal-VM.{arch}-Cloud-Build{build}.qcow2", "openSUSE-Leap-{release}-Minimal-VM.{arch}-{image}-Cloud-Build{build}.qcow2"],
    }],
    file: "leap/{release}/appliances/{name}",
    checksums: "leap/{release}/appliances/{file}.sha256",
    signature: "leap/{release}/appliances/{file}.sha256.asc",
    keys: () => keys,
  }, options);
}

import { cloudImage, type CloudImageOptions, type ImageSource } from "glowplug";
import { keys } from "./almalinux/keys.ts";

/** AlmaLinux. CHECKSUM is signed by the key of the major release. */
export default function almalinux(options: CloudImageOptions = {}): ImageSource {
  return cloudImage({
    name: "almalinux",
    title: "AlmaLinux",
    user: "almalinux",
    url: "https://repo.almalinux.org/almalinux/",
    architectures: { x86_64: "x86_64", aarch64: "aarch64", ppc64le: "ppc64le", s390x: "s390x" },
    // A major release is there under its own number too, as a link to its newest minor one.
    looks: [{ at: "", names: ["{release}/"], only: ({ release = "" }) => release.includes(".") }],
    file: "{release}/cloud/{arch}/images/AlmaLinux-{major}-GenericCloud-{release}-{build}.{arch}.qcow2",
    checksums: "{release}/cloud/{arch}/images/CHECKSUM",
    signature: "{release}/cloud/{arch}/images/CHECKSUM.asc",
    keys: ({ major = "" }) => (Object.hasOwn(keys, major) ? [keys[major] ?? []].flat() : []),
  }, options);
}

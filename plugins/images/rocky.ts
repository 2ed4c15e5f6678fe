import { cloudImage, type CloudImageOptions, type ImageSource } from "glowplug";

/**
 * Rocky Linux. Its build system signs packages and not images, says https://github.com/rocky-linux/checksums; so what holds is CHECKSUM and https.
 */
export default function rocky(options: CloudImageOptions = {}): ImageSource {
  return cloudImage({
    name: "rocky",
    title: "Rocky Linux",
    user: "rocky",
    url: "https://dl.rockylinux.org/pub/rocky/",
    mirrors: ["https://download.rockylinux.org/pub/rocky/"],
    architectures: { x86_64: "x86_64", aarch64: "aarch64", ppc64le: "ppc64le", s390x: "s390x" },
    looks: [{ at: "", names: ["{release}/"], only: ({ release = "" }) => release.includes(".") }],
    file: "{release}/images/{arch}/Rocky-{major}-GenericCloud-Base-{release}-{build}.{arch}.qcow2",
    checksums: "{release}/images/{arch}/CHECKSUM",
  }, options);
}

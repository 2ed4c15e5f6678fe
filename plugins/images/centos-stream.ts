import { cloudImage, type CloudImageOptions, type ImageSource } from "glowplug";

/** CentOS Stream. No signature of the images is published, as far as we know: what holds is the checksum beside each, and https. */
export default function centosStream(options: CloudImageOptions = {}): ImageSource {
  return cloudImage({
    name: "centos-stream",
    title: "CentOS Stream",
    user: "cloud-user",
    url: "https://cloud.centos.org/centos/",
    architectures: { x86_64: "x86_64", aarch64: "aarch64", ppc64le: "ppc64le", s390x: "s390x" },
    looks: [
      { at: "", names: ["{release}-stream/"] },
      { at: "{release}-stream/{arch}/images/", names: ["CentOS-Stream-GenericCloud-{release}-{build}.{arch}.qcow2"] },
    ],
    file: "{release}-stream/{arch}/images/CentOS-Stream-GenericCloud-{release}-{build}.{arch}.qcow2",
    checksums: "{release}-stream/{arch}/images/{file}.SHA256SUM",
  }, options);
}

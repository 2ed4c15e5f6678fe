import { cloudImage, type CloudImageOptions, type ImageSource } from "glowplug";

/**
 * Arch Linux; a release is a day's build. Images are signed (FILE.sig) by the key of arch-boxes, which archlinux-keyring does not have and which
 * does not come with this plugin: what holds is the checksum beside each, and https. With the key in `keys` the signature is checked as well.
 */
export default function archlinux(options: CloudImageOptions = {}): ImageSource {
  return cloudImage({
    name: "archlinux",
    title: "Arch Linux",
    user: "arch",
    url: "https://geo.mirror.pkgbuild.com/images/",
    mirrors: ["https://fastly.mirror.pkgbuild.com/images/"],
    architectures: { x86_64: "x86_64" },
    looks: [{ at: "", names: ["v{release}/"] }],
    file: "v{release}/Arch-Linux-{arch}-cloudimg-{release}.qcow2",
    checksums: "v{release}/{file}.SHA256",
    fileSignature: "v{release}/{file}.sig",
  }, options);
}

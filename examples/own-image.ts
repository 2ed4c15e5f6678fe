#!/usr/bin/env glowplug
// A distribution of one's own: a folder on a web server with a folder for each release, in it disks for several architectures and SHA256SUMS.
// Put the address of yours in the place of images.example, and then
//   glowplug up ./own-image.ts
import { cloudImage, defineMachine, type CloudImageOptions, type ImageSource } from "glowplug";

/** Linux as we publish it, or as a mirror of ours does; `ourLinux({ release: "3", build: "20260701" })` stays with a build. */
export function ourLinux(options: CloudImageOptions = {}): ImageSource {
  return cloudImage({
    name: "our-linux",
    title: "Our Linux",
    user: "core",
    firstBoot: "ignition",
    url: "https://images.example/linux/",
    architectures: { x86_64: "amd64", aarch64: "arm64" },
    looks: [{ at: "", names: ["{release}/"] }],
    file: "{release}/our-linux-{release}-{build}.{arch}.qcow2.xz",
    checksums: "{release}/SHA256SUMS",
    signature: "{release}/SHA256SUMS.asc",
  }, options);
}

export default defineMachine({
  image: ourLinux(),
});

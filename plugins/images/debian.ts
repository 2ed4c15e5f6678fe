import { cloudImage, linkedNames, type CloudImageOptions, type ImageSource } from "glowplug";

/** Releases by their codenames, which the folders have. One that is not out yet has no builds but daily ones, and is passed over. */
const releases: Readonly<Record<string, string>> = { bullseye: "11", bookworm: "12", trixie: "13", forky: "14", duke: "15" };

/**
 * Debian's cloud images. "genericcloud" has a kernel for virtual machines, without drivers for hardware and without 9p; "generic" has Debian's
 * usual one. Debian does not sign them: SHA512SUMS lies beside them without a signature, so what holds is that list and https.
 */
export default function debian(options: CloudImageOptions = {}): ImageSource {
  return cloudImage({
    name: "debian",
    title: "Debian",
    user: "debian",
    url: "https://cloud.debian.org/images/cloud/",
    mirrors: ["https://cdimage.debian.org/images/cloud/"],
    architectures: { x86_64: "amd64", aarch64: "arm64" },
    streams: ["genericcloud", "generic"],
    looks: [
      { at: "", what: `a folder with ${Object.keys(releases).join("/, ")}/`, offers: releasesIn, mayBeEarly: true },
      { at: "{codename}/", names: ["{build}/"] },
    ],
    file: "{codename}/{build}/debian-{release}-{stream}-{arch}-{build}.qcow2",
    checksums: "{codename}/{build}/SHA512SUMS",
  }, options);
}

function releasesIn(page: string): readonly { readonly codename: string; readonly release: string }[] {
  return linkedNames(page).flatMap((name) => {
    const codename = name.replace(/\/$/, "");
    const release = Object.hasOwn(releases, codename) ? releases[codename] : undefined;
    return release === undefined ? [] : [{ codename, release }];
  });
}

import { cloudImage, type CloudImageOptions, type ImageSource } from "glowplug";

/** By the second number of a release (https://www.flatcar.org/docs/latest/updates-releases/releases/). */
const numbered: Readonly<Record<string, string>> = { 0: "alpha", 1: "beta", 2: "stable", 3: "lts" };

/**
 * Flatcar Container Linux. It reads Ignition, has docker and no podman (say `podman: false`), and does not update itself here. Disks are signed
 * (FILE.sig), by a key that does not come with this plugin: what holds is the checksum beside each, and https. With the key in `keys` the
 * signature is checked as well.
 */
export default function flatcar(options: CloudImageOptions = {}): ImageSource {
  const own = numbered[/^\d+\.(\d)\.\d+$/.exec(String(options.release))?.[1] ?? ""];
  const source = cloudImage({
    name: "flatcar",
    title: "Flatcar",
    firstBoot: "ignition",
    user: "core",
    url: "https://{stream}.release.flatcar-linux.net/",
    architectures: { x86_64: "amd64-usr", aarch64: "arm64-usr" },
    streams: ["stable", "beta", "alpha", "lts"],
    words: ({ arch }) => ({ firmware: arch === "aarch64" ? "qemu_uefi" : "qemu" }),
    looks: [{ at: ({ release = "current" }) => `{arch}/${release}/version.txt`, what: "a list of versions with FLATCAR_VERSION", offers: versionIn }],
    file: "{arch}/{release}/flatcar_production_{firmware}_image.img",
    checksums: "{arch}/{release}/{file}.DIGESTS",
    fileSignature: "{arch}/{release}/{file}.sig",
  }, options.stream === undefined && own !== undefined ? { ...options, stream: own } : options);
  return {
    ...source,

    async ignition({ guest }) {
      // It would fetch a new release and reboot for it. A machine is renewed by its image.
      for (const name of ["update-engine.service", "locksmithd.service"]) guest.unit({ name, mask: true });
    },
  };
}

function versionIn(text: string): readonly { readonly release: string }[] {
  const release = /^FLATCAR_VERSION=(\d+\.\d+\.\d+)\S*$/m.exec(text)?.[1];
  return release === undefined ? [] : [{ release }];
}

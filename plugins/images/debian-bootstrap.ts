import { createHash } from "node:crypto";
import { checkOptions, Command, MachineError, type BuildImage, type FirstBoot, type ImageSource } from "glowplug";
import { hostPrograms, suite } from "./debian-bootstrap/packages.ts";
import { renderBuildScript } from "./debian-bootstrap/script.ts";

export { guestPackages, hostPackages } from "./debian-bootstrap/packages.ts";
export { renderBuildScript } from "./debian-bootstrap/script.ts";

export interface DebianBootstrapOptions {
  /** What does the first boot in the guest. Default: "ignition". */
  readonly firstBoot?: FirstBoot;
  /** The same, as the name "debian-bootstrap:cloud-init" says it. */
  readonly stream?: FirstBoot;
  /** More Debian packages for the guest, from the same release. Default: none. */
  readonly packages?: readonly string[];
  /** More words for the guest's kernel line: "mitigations=off". Default: none. */
  readonly kernelArguments?: readonly string[];
}

/** Debian's name for an architecture that the recipe is made for. The disk boots by a PC's BIOS. */
const architectures: Readonly<Record<string, string>> = { x86_64: "amd64" };

/**
 * Debian 12 with podman and either Ignition or cloud-init, built on this host from Debian's packages. They come from where the host's own apt takes its packages.
 * The key is made of the recipe: a disk that is in the store is not built again when Debian publishes an update.
 */
export default function debianBootstrap(options: DebianBootstrapOptions = {}): ImageSource {
  checkOptions("debian-bootstrap", options, ["firstBoot", "stream", "packages", "kernelArguments"]);
  const { packages = [], kernelArguments = [] } = options;
  const firstBoot = chosenFirstBoot(options);
  const badPackages = packages.filter((name) => !/^[a-z0-9][a-z0-9+.-]+$/.test(name));
  if (badPackages.length > 0) throw bad(`${JSON.stringify(badPackages[0])} is no name of a Debian package`, badPackages);
  const badWords = kernelArguments.filter((word) => !/^[\w.,:=+/@%-]+$/.test(word));
  if (badWords.length > 0) throw bad(`${JSON.stringify(badWords[0])} is no word of a kernel line`, badWords);
  return {
    name: "debian-bootstrap",
    role: "image",
    firstBoot,
    user: "core",
    locate: ({ arch }): BuildImage => {
      const debian = architectures[arch];
      if (debian === undefined) {
        throw new MachineError("unsupported-host", `debian-bootstrap builds guests for ${Object.keys(architectures).join(", ")}, not for ${arch}`, { plugin: "debian-bootstrap", hint: "Choose another image for such a host." });
      }
      const script = renderBuildScript({ firstBoot, packages, kernelArguments });
      return {
        kind: "build",
        title: firstBoot === "ignition" ? "Debian 12 built here" : "Debian 12 with cloud-init, built here",
        release: "12",
        key: `debian-${suite}-${debian}-${createHash("sha256").update(script).digest("hex").slice(0, 32)}`,
        needs: hostPrograms,
        format: "qcow2",
        steps: ({ scratch, output }) => ({
          files: [{ path: `${scratch}/build.sh`, content: { text: script } }],
          commands: [new Command("bash", { name: "debian-bootstrap" }).add(`${scratch}/build.sh`).add(output).add(scratch)],
        }),
      };
    },
  };
}

function chosenFirstBoot({ firstBoot, stream }: DebianBootstrapOptions): FirstBoot {
  const languages: readonly FirstBoot[] = ["ignition", "cloud-init"];
  const chosen = firstBoot ?? stream ?? "ignition";
  const [wrong] = [chosen, stream ?? chosen].filter((language) => !languages.includes(language));
  if (wrong !== undefined) throw bad(`${JSON.stringify(wrong)} does no first boot in it`, languages);
  if (stream !== undefined && stream !== chosen) throw bad(`first boot is said to be ${chosen} and ${stream}`, languages);
  return chosen;
}

function bad(message: string, details: readonly string[]): MachineError {
  return new MachineError("bad-spec", `debian-bootstrap: ${message}`, { plugin: "debian-bootstrap", details });
}

import { createHash } from "node:crypto";
import { checkOptions, Command, MachineError, type BuildImage, type ImageSource } from "glowplug";
import { hostPrograms, suite } from "./debian-bootstrap/packages.ts";
import { renderBuildScript } from "./debian-bootstrap/script.ts";

export { guestPackages, hostPackages } from "./debian-bootstrap/packages.ts";
export { renderBuildScript } from "./debian-bootstrap/script.ts";

export interface DebianBootstrapOptions {
  /** More Debian packages for the guest, from the same release. Default: none. */
  readonly packages?: readonly string[];
  /** More words for the guest's kernel line: "mitigations=off". Default: none. */
  readonly kernelArguments?: readonly string[];
}

/** Debian's name for an architecture that the recipe is made for. The disk boots by a PC's BIOS. */
const architectures: Readonly<Record<string, string>> = { x86_64: "amd64" };

/**
 * Debian 12 with Ignition and podman, built on this host from Debian's packages. They come from where the host's own apt takes its packages.
 * The key is made of the recipe: a disk that is in the store is not built again when Debian publishes an update.
 */
export default function debianBootstrap(options: DebianBootstrapOptions = {}): ImageSource {
  checkOptions("debian-bootstrap", options, ["packages", "kernelArguments"]);
  const { packages = [], kernelArguments = [] } = options;
  const badPackages = packages.filter((name) => !/^[a-z0-9][a-z0-9+.-]+$/.test(name));
  if (badPackages.length > 0) throw bad(`${JSON.stringify(badPackages[0])} is no name of a Debian package`, badPackages);
  const badWords = kernelArguments.filter((word) => !/^[\w.,:=+/@%-]+$/.test(word));
  if (badWords.length > 0) throw bad(`${JSON.stringify(badWords[0])} is no word of a kernel line`, badWords);
  return {
    name: "debian-bootstrap",
    role: "image",
    firstBoot: "ignition",
    user: "core",
    locate: ({ arch }): BuildImage => {
      const debian = architectures[arch];
      if (debian === undefined) {
        throw new MachineError("unsupported-host", `debian-bootstrap builds guests for ${Object.keys(architectures).join(", ")}, not for ${arch}`, { plugin: "debian-bootstrap", hint: "Choose another image for such a host." });
      }
      const script = renderBuildScript({ packages, kernelArguments });
      return {
        kind: "build",
        title: "Debian 12 built here",
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

function bad(message: string, details: readonly string[]): MachineError {
  return new MachineError("bad-spec", `debian-bootstrap: ${message}`, { plugin: "debian-bootstrap", details });
}

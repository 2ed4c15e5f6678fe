import { MachineError } from "../errors.ts";
import type { Run } from "../run.ts";
import { defaults } from "../spec/defaults.ts";
import type { MachineSpec } from "../spec-types.ts";
import { didYouMean } from "../suggest.ts";
import { hidden, on, text, type FlagValues } from "./flags.ts";

/** Flags of podman's `init` that glowplug has other words for, or nothing to do with. */
export const podmanFlags = {
  provider: text("--provider <name>", `podman's word for a launcher: ${Object.entries(defaults.providers).map(([provider, launcher]) => `${provider} (${launcher})`).join(", ")}`),
  tlsVerify: on("--tls-verify", "Registries of docker:// images must prove who they are (default: true)"),
  imagePath: hidden(text("--image-path <what>", "The same as --image")),
  volumeDriver: hidden(text("--volume-driver <driver>", "Ignored")),
  userModeNetworking: hidden(on("--user-mode-networking", "Ignored: the network is always a program's of the user")),
  reexec: hidden(on("--reexec", "Ignored")),
} as const;

/** An image as one of a registry that need not prove who it is, for --tls-verify=false; undefined where that means nothing to it, as with podman. */
export function withoutTlsVerify(image: MachineSpec["image"]): MachineSpec["image"] {
  if (typeof image !== "string") return undefined;
  const [, plugin] = Object.entries(defaults.imagePrefixes).find(([prefix]) => prefix.endsWith("//") && image.startsWith(prefix)) ?? [];
  return plugin === undefined ? undefined : [plugin, { url: image, tlsVerify: false }];
}

interface Own {
  readonly image?: string | undefined;
  readonly launcher?: string | undefined;
}

/** What podman's flags mean in ours, which win; says which are out of date. Throws MachineError "usage" for an unknown provider. */
export function inOwnWords({ image, launcher, provider, imagePath, volumeDriver }: FlagValues<typeof podmanFlags> & Own, { report }: Pick<Run, "report">): Own {
  if (imagePath !== undefined) report.warn("flag --image-path has been deprecated, use --image instead");
  if (volumeDriver !== undefined) report.warn("flag --volume-driver has been deprecated, will be ignored");
  return { image: image ?? imagePath, launcher: launcher ?? (provider === undefined || provider === "" ? undefined : launcherOf(provider)) };
}

function launcherOf(provider: string): string {
  const found = Object.hasOwn(defaults.providers, provider) ? defaults.providers[provider] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(defaults.providers);
  throw new MachineError("usage", `unsupported provider ${JSON.stringify(provider)}${didYouMean(provider, known)}`, { hint: `The providers are ${known.join(", ")}; --launcher takes any launcher.` });
}

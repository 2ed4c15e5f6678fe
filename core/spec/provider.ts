import { MachineError } from "../errors.ts";
import { defaults } from "./defaults.ts";

/**
 * The launcher of what podman calls a provider; undefined for an empty word, which leaves it to the default. Throws MachineError
 * "usage" in podman's words (pkg/machine/define, pkg/machine/provider) for one that nobody knows and one that nothing here is.
 */
export function launcherOfProvider(word: string, where: string): string | undefined {
  const provider = word.trim().toLowerCase();
  if (provider === "") return undefined;
  if (Object.hasOwn(defaults.providers, provider)) return defaults.providers[provider];
  const isKnown = defaults.reservedNames.includes(provider);
  throw new MachineError("usage", `${where}: ${isKnown ? `unsupported virtualization provider: \`${provider}\`` : `unknown VMType \`${word}\``}`, {
    hint: `The providers are ${Object.keys(defaults.providers).join(", ")}.`,
  });
}

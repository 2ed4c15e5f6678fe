import { basename, dirname } from "node:path";

/** podman's rule for names (containers/common, libnetwork/types/define.go). */
export const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** podman's limit (maxMachineNameSize). */
export const nameLimit = 30;

/** Why a text cannot be a machine's name; undefined when it can. */
export function nameProblem(name: string): string | undefined {
  if (!namePattern.test(name)) return "expected letters, digits, dots, dashes and underscores, beginning with a letter or digit";
  if (name.length > nameLimit) return `expected at most ${nameLimit} characters`;
  return undefined;
}

/** A script's file name without its endings; its folder's name where the file is `machine.*` or `glowplug.config.*`; else "default". */
export function defaultName(script: string | undefined): string {
  if (script === undefined) return "default";
  const file = basename(script);
  const stem = /^(machine|glowplug\.config)\.[^.]+$/.test(file) ? basename(dirname(script)) : file.replace(/(\.(config|machine))?\.[^.]+$/, "");
  const name = stem.replace(/[^a-zA-Z0-9_.-]+/g, "-").replace(/^[^a-zA-Z0-9]+/, "").slice(0, nameLimit);
  return name === "" ? "default" : name;
}

import { basename, dirname } from "node:path";
import { MachineError } from "../errors.ts";
import { defaults } from "./defaults.ts";

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

/** Throws MachineError "bad-name" for a text that cannot be a machine's name, in the words of podman's `init` and in its order. */
export function checkName(name: string): void {
  const hint = "Use letters, digits, `_`, `.` and `-`; the first is a letter or a digit. A script is named by a path with a slash or an ending: ./web.ts";
  if (name.length > nameLimit) throw new MachineError("bad-name", `machine name ${JSON.stringify(name)} must be ${nameLimit} characters or less`, { hint: "Choose a shorter one." });
  if (!namePattern.test(name)) throw new MachineError("bad-name", `invalid name ${JSON.stringify(name)}: ${patternWords}`, { hint });
}

/** The same for one that podman keeps for its providers, in whatever case. */
export function checkNotReserved(name: string): void {
  if (!defaults.reservedNames.includes(name.toLowerCase())) return;
  throw new MachineError("bad-name", `cannot use ${JSON.stringify(name)} for a machine name`, { hint: `Names that podman keeps to itself: ${defaults.reservedNames.join(", ")}.` });
}

/** podman's words for a text that does not match its pattern. */
export const patternWords = "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument";

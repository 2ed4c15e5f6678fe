import { MachineError } from "../errors.ts";
import { nearest } from "../suggest.ts";

/** What a verb with verbs of its own does, by word: "port add". */
export type Actions<T> = Readonly<Record<string, T>>;

/** The action that the first word names, and the words behind it. Throws MachineError "usage", in podman's words. */
export function pickAction<T>(verb: string, words: readonly string[], actions: Actions<T>): { readonly action: T; readonly rest: readonly string[] } {
  const [word, ...rest] = words;
  const action = word === undefined || !Object.hasOwn(actions, word) ? undefined : actions[word];
  if (action !== undefined) return { action, rest };
  const hint = `See 'glowplug ${verb} --help'.`;
  if (word === undefined) throw new MachineError("usage", `missing command 'glowplug ${verb} COMMAND'`, { hint: `The commands are ${Object.keys(actions).join(", ")}. ${hint}` });
  const near = nearest(word, Object.keys(actions));
  throw new MachineError("usage", `unrecognized command \`glowplug ${verb} ${word}\``, { hint: `${near === undefined ? "" : `Did you mean ${near}? `}${hint}` });
}

/** Checks how many words an action got. Throws MachineError "usage". */
export function checkWords(action: string, words: readonly string[], { least = 0, most = Number.POSITIVE_INFINITY }: { readonly least?: number; readonly most?: number }): void {
  if (words.length >= least && words.length <= most) return;
  const [count, many] = words.length > most ? [most, "at most "] : [least, "at least "];
  throw new MachineError("usage", `glowplug ${action} accepts ${least === most ? "" : many}${count} argument${count === 1 ? "" : "s"}, received ${words.length}`, {
    hint: `See 'glowplug ${action.split(" ")[0]} --help'.`,
  });
}

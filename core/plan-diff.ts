import { quote, type CommandRecord } from "./command.ts";
import type { KeeperPlan } from "./keeper/plan.ts";
import type { ResolvedPort, SocketForward } from "./model.ts";
import type { Plan, PlannedCommand } from "./plan.ts";
import { portText } from "./spec/ports.ts";

/** A line that only one of two plans has: "-" the running one's, "+" the next start's. */
export interface DiffLine {
  readonly sign: "-" | "+";
  readonly text: string;
  /** The plugin behind a new one. */
  readonly by?: string;
}

/** How the next start of a machine differs from its running one. */
export interface PlanDiff {
  readonly name: string;
  readonly same: boolean;
  /** Parts that differ, each with its lines. */
  readonly parts: readonly { readonly part: string; readonly lines: readonly DiffLine[] }[];
}

/** Compares what runs with what the next start would run, flag by flag. `open` are the ports that are open now. */
export function diffPlans(running: KeeperPlan, open: readonly ResolvedPort[], next: Plan): PlanDiff {
  const helpers = Array.from({ length: Math.max(running.helpers.length, next.helpers.length) }, (_, index) => {
    const [was, is] = [running.helpers[index]?.command, next.helpers[index]];
    return { part: `Helper: ${is?.name ?? was?.name ?? ""}`, lines: commandLines(was, is) };
  });
  const parts = [
    { part: "Forwarder", lines: commandLines(running.forwarder?.command, next.forwarder) },
    ...helpers,
    { part: "VM", lines: commandLines(running.vm, next.vm) },
    { part: "ssh", lines: diffLines([`${running.ssh.host}:${running.ssh.port}`].map(bare), [`${next.ssh.host}:${next.ssh.port}`].map(bare)) },
    { part: "Ports", lines: diffLines(open.map(portText).sort().map(bare), next.ports.map(portText).sort().map(bare)) },
    { part: "Sockets", lines: diffLines(running.sockets.map(socketText).map(bare), next.sockets.map(socketText).map(bare)) },
  ].filter(({ lines }) => lines.length > 0);
  return { name: next.name, same: parts.length === 0, parts };
}

/** A word of a command line, or a flag with its values. */
interface Entry {
  readonly text: string;
  readonly by?: string | undefined;
}

const bare = (text: string): Entry => ({ text });

function socketText({ host, guest }: SocketForward): string {
  return `${host} to ${guest}`;
}

function commandLines(was: CommandRecord | undefined, is: PlannedCommand | undefined): readonly DiffLine[] {
  const before = was ? [bare(quote(was.program)), ...grouped(was.argv.map((word) => ({ word })))] : [];
  const after = is ? [bare(quote(is.program)), ...grouped(is.entries.flatMap(({ flag, value, by }) => [{ word: flag, by }, ...(value === undefined ? [] : [{ word: value, by }])]))] : [];
  return diffLines(before, after);
}

/** Words as flags with their values. Of what runs only the words are kept, so both sides are cut the same way: before each dash. */
function grouped(words: readonly { readonly word: string; readonly by?: string | undefined }[]): readonly Entry[] {
  const groups: { text: string; by?: string | undefined }[] = [];
  for (const { word, by } of words) {
    const last = groups.at(-1);
    if (last && !/^-./.test(word)) last.text += ` ${quote(word)}`;
    else groups.push({ text: quote(word), by });
  }
  return groups;
}

/** Lines that one side has more than the other, in the order of both: those of the longest common sequence are left out. */
function diffLines(before: readonly Entry[], after: readonly Entry[]): readonly DiffLine[] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      const row = lengths[i];
      if (row) row[j] = before[i]?.text === after[j]?.text ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    const [was, is] = [before[i], after[j]];
    if (was && is && was.text === is.text) {
      i += 1;
      j += 1;
    } else if (was && (!is || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ sign: "-", text: was.text });
      i += 1;
    } else if (is) {
      lines.push({ sign: "+", text: is.text, ...(is.by !== undefined && { by: is.by }) });
      j += 1;
    }
  }
  return lines;
}

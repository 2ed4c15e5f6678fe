import type { HostFacts } from "../model.ts";
import type { Status } from "../machine.ts";
import type { MachineRecord } from "../record.ts";
import type { Forwarder } from "../roles/forwarder.ts";
import type { Launcher } from "../roles/launcher.ts";
import type { Run } from "../run.ts";

/** How much it matters. broken: something cannot work. warning: it works, and not as it should. note: worth knowing. */
export type Level = "broken" | "warning" | "note";

/** Something that is not as it should be. */
export interface Finding {
  /** Stays the same from release to release: "disk-missing". */
  readonly id: string;
  readonly level: Level;
  /** What was found, in one sentence without its full stop. */
  readonly what: string;
  /** What to do about it: a command to type, or words. */
  readonly fix: string;
}

/** What a check has to say: what it found wrong, and what is so in any case. */
export interface Verdict {
  readonly findings: readonly Finding[];
  /** What is so, for those who read along: "kvm", "42 GiB free". */
  readonly fact?: string;
}

/** What checks of the host look at. */
export interface Patient {
  readonly run: Run;
  readonly host: HostFacts;
  readonly machines: readonly SickMachine[];
  /** Plugins that machines have by default here, or the reason why they cannot be loaded. */
  readonly launcher: Launcher;
  readonly forwarders: readonly Forwarder[];
}

/** A machine that can be looked at. */
export interface SickMachine {
  readonly record: MachineRecord;
  readonly status: Status;
}

/** A check of the host, or of one machine. Looks and changes nothing; what it throws is told as a finding of its own. */
export interface HostCheck {
  readonly title: string;
  look(patient: Patient): Promise<Verdict> | Verdict;
}
export interface MachineCheck {
  readonly title: string;
  /** Whether there is something to look at. Default: always. */
  applies?(machine: SickMachine): boolean;
  look(machine: SickMachine, patient: Patient): Promise<Verdict> | Verdict;
}

/** A verdict without findings. */
export function fine(fact?: string): Verdict {
  return { findings: [], ...(fact !== undefined && { fact }) };
}

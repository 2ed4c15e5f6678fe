import type { CommandRecord } from "../command.ts";
import type { GuestPorts, ResolvedPort, SocketForward } from "../model.ts";
import type { ExposeMethod } from "../roles/forwarder.ts";
import type { LanPlan } from "./lan/plan.ts";
import type { ConsolePlan, ControlPlan, HotShares, QmpStep, ReadyPlan, ShareMount } from "../roles/launcher.ts";

/** Everything that a keeper knows: plain data, written by `start` into the machine's runtime folder. */
export interface KeeperPlan {
  readonly version: 1;
  /** Tells this start from every other: whoever finds another one in the plan is not the machine's keeper any more. */
  readonly token: string;
  readonly name: string;
  readonly folders: { readonly data: string; readonly runtime: string; readonly logs: string };
  readonly forwarder?: ListeningCommand;
  readonly helpers: readonly ListeningCommand[];
  readonly vm: CommandRecord;
  readonly accelerator: string;
  readonly console?: ConsolePlan;
  readonly ready: ReadyPlan;
  /** The guest may never write its ready line: a login tells as well that it is up. */
  readonly readyByLogin?: boolean;
  readonly control: ControlPlan;
  readonly replug?: readonly QmpStep[];
  /** The network that the machine shares with others, and how its card there is plugged anew. */
  readonly lan?: LanPlan;
  readonly replugLan?: readonly QmpStep[];
  /** Folders of the host that the VM has from the start. */
  readonly mounts: readonly ShareMount[];
  readonly hotShares?: HotShares;
  /** An empty host key is one that nobody knows yet: the first login's is taken. */
  readonly ssh: { readonly host: string; readonly port: number; readonly user: string; readonly keyFile: string; readonly hostKey: string };
  readonly expose: ExposeMethod;
  /** What programs in the guest may open. */
  readonly guestPorts: GuestPorts;
  /** Ports open as soon as the VM runs. */
  readonly openAtStart: readonly ResolvedPort[];
  /** Ports that the keeper opens through `expose`. */
  readonly ports: readonly ResolvedPort[];
  readonly sockets: readonly SocketForward[];
  readonly restart: "never" | "on-failure" | "always";
  /** How a start is finished that the keeper makes by itself; undefined where it makes none. */
  readonly again?: {
    /** `start` of this machine: it goes on with a machine that is up. */
    readonly command: CommandRecord;
    /** What tells it where to go on, and the file that it reads that from. The mounts are those of the moment. */
    readonly begun: Readonly<Record<string, unknown>>;
    readonly begunFile: string;
  };
  readonly deadlines: Deadlines;
}

/** A command whose process is of use once its sockets listen. */
export interface ListeningCommand {
  readonly command: CommandRecord;
  readonly listens: readonly string[];
  /** The tag of the share that it serves. */
  readonly serves?: string;
}
export interface ProcessPlan extends ListeningCommand {
  readonly role: "forwarder" | "helper";
}

/** The processes beside the VM, which listen before it is spawned. */
export function besideVm({ forwarder, helpers }: Pick<KeeperPlan, "forwarder" | "helpers">): readonly ProcessPlan[] {
  return [...(forwarder ? [{ ...forwarder, role: "forwarder" as const }] : []), ...helpers.map((helper) => ({ ...helper, role: "helper" as const }))];
}

/** Limits of each wait, in milliseconds. */
export interface Deadlines {
  /** Until the forwarder's and helpers' sockets listen. */
  readonly helpersMs: number;
  /** From spawning the VM to its monitor answering. */
  readonly monitorMs: number;
  /** From letting the VM run to the first line of its kernel. */
  readonly lifeMs: number;
  /** From there to the ready line. */
  readonly readyMs: number;
  /** From there to an ssh login. */
  readonly sshMs: number;
  /** From there to the probed sockets' answers. */
  readonly probeMs: number;
}
export const phases = ["helpers", "monitor", "life", "ready", "ssh", "probe"] as const;
export type Phase = (typeof phases)[number];

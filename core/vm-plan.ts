import type { Command, CommandRecord } from "./command.ts";
import type { PlannedFile, Share, ShareKind } from "./model.ts";

/** A process beside the VM (virtiofsd, swtpm). */
export interface HelperPlan {
  readonly command: Command;
  /** Sockets that must listen before the VM is spawned. */
  readonly listens: readonly string[];
  /** The tag of the share that it serves, where it serves one. */
  readonly serves?: string;
}

/**
 * Where the guest's console comes out. `unix`: the VM listens there. `file`: the VM writes there. Such a console is hvc0, which
 * many images leave silent, so its silence says nothing of the guest.
 */
export type ConsolePlan = { readonly kind: "unix"; readonly path: string } | { readonly kind: "file"; readonly path: string };
/** Where the ready line comes out. `connect`: the VM listens; `listen`: we listen and the VM connects. */
export interface ReadyPlan { readonly kind: "connect" | "listen"; readonly path: string }
/** How the VM is spoken to. qmp: QEMU's monitor protocol, the VM is started paused and `cont` lets it run. rest: HTTP on a unix socket, as vfkit serves it. signal: none, SIGTERM asks. */
export type ControlPlan =
  | { readonly kind: "qmp"; readonly path: string; readonly paused: boolean }
  | { readonly kind: "rest"; readonly path: string }
  | { readonly kind: "signal" };

/** A VM about to be spawned. The `beforeBoot` hook may change the commands. */
export interface BootPlan {
  readonly vm: Command;
  readonly helpers: HelperPlan[];
  readonly files: PlannedFile[];
  readonly console?: ConsolePlan;
  readonly ready: ReadyPlan;
  readonly control: ControlPlan;
  /** How each share appears in the guest. */
  readonly mounts: readonly ShareMount[];
  /** How folders come and go while the VM runs; undefined where they cannot. */
  readonly hotShares?: HotShares;
  /** How the network card is plugged anew while the VM runs, as QMP commands; undefined where it cannot be. */
  readonly replug?: readonly QmpStep[];
  /** The same for the card on the shared network. */
  readonly replugLan?: readonly QmpStep[];
  /** Things the user should be told: a fallback, a limit. */
  readonly notes: readonly string[];
}
/** A share as the guest mounts it. */
export interface ShareMount {
  readonly share: Required<Share>;
  /** The file system. */
  readonly kind: ShareKind;
  /** What is mounted: `shareTag` of the target, and a number behind it for one that was given to the VM anew. */
  readonly tag: string;
  /** Which of the `slots` of HotShares it is plugged into. */
  readonly slot?: string;
  /** Whether what served it has ended: whatever touches it in the guest waits for ever, or fails. */
  readonly dead?: boolean;
}
/**
 * How a folder is given to the running VM and taken from it again. In every string, {tag} {target} {source} and {slot} are filled in,
 * and {listedSource}: the source with backslashes before its commas and backslashes.
 */
export interface HotShares {
  readonly kind: ShareKind;
  /** The helper's socket; it listens before `add`. The helper ends by itself after `remove`. */
  readonly socket: string;
  readonly writable: CommandRecord;
  /** Undefined where the host cannot hold a folder read-only. */
  readonly readOnly?: CommandRecord;
  readonly add: readonly QmpStep[];
  readonly remove: readonly QmpStep[];
  /** Places for shares, each for one; undefined where there is always room. */
  readonly slots?: readonly string[];
}
/** A QMP command, and the event to wait for before the next. */
export interface QmpStep {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** What the event's data must hold tells it from others of its name: a device goes in parts, and each is reported. */
  readonly awaitEvent?: { readonly name: string; readonly data?: Readonly<Record<string, string | number | boolean>> };
}

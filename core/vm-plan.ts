import type { Command } from "./command.ts";
import type { PlannedFile, Share, ShareKind } from "./model.ts";

/** A process beside the VM (virtiofsd, swtpm). */
export interface HelperPlan {
  readonly command: Command;
  /** Sockets that must listen before the VM is spawned. */
  readonly listens: readonly string[];
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
  /** How each share appears in the guest: the tag to mount and the file system. */
  readonly mounts: readonly { readonly share: Required<Share>; readonly kind: ShareKind; readonly tag: string }[];
  /** How the network card is plugged anew while the VM runs, as QMP commands; undefined where it cannot be. */
  readonly replug?: readonly QmpStep[];
  /** The same for the card on the shared network. */
  readonly replugLan?: readonly QmpStep[];
  /** Things the user should be told: a fallback, a limit. */
  readonly notes: readonly string[];
}
/** A QMP command, and the event to wait for before the next. */
export interface QmpStep {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** What the event's data must hold tells it from others of its name: a device goes in parts, and each is reported. */
  readonly awaitEvent?: { readonly name: string; readonly data?: Readonly<Record<string, string | number | boolean>> };
}

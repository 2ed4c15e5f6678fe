import type { ErrorRecord } from "../errors.ts";
import type { ResolvedPort, Share } from "../model.ts";
import type { Phase } from "./plan.ts";

/** Version of the protocol below. A keeper of another version still answers `status` and `stop`. */
export const protocolVersion = 1;

/** A request: the first line on a connection, as JSON. One connection a request. */
export type KeeperRequest = { readonly v: number } & (
  | { readonly op: "status" }
  /** Answered once the machine is up, or with the error that ended the start. Progress comes as event frames before. */
  | { readonly op: "ready" }
  /** Asks the guest to power off, waits, then insists. */
  | { readonly op: "stop"; readonly force: boolean; readonly timeoutMs: number }
  /** Streams. `pty` for a shell. Without a command: a login shell. */
  | { readonly op: "exec"; readonly command?: string; readonly user?: string; readonly pty?: { readonly term: string; readonly cols: number; readonly rows: number } }
  /** The connection then carries the bytes of the SFTP subsystem. */
  | { readonly op: "sftp"; readonly user?: string }
  | { readonly op: "events" }
  | { readonly op: "port-add"; readonly port: ResolvedPort }
  | { readonly op: "port-remove"; readonly port: ResolvedPort }
  /** Answered with OpenPort[]. */
  | { readonly op: "port-list" }
  /** Answered with the ShareMount, which the guest then mounts. */
  | { readonly op: "share-add"; readonly share: Required<Share> }
  | { readonly op: "share-remove"; readonly target: string }
  /** Both answered with ShareMount[]: folders that the machine has, and devices that have nothing behind them any more. */
  | { readonly op: "share-list" }
  | { readonly op: "share-lost" }
);

/** The answer: the first line back, as JSON. */
export type KeeperAnswer<T = unknown> = { readonly ok: true; readonly v: number; readonly value: T } | { readonly ok: false; readonly v: number; readonly error: ErrorRecord };

/** Kinds of the frames that follow the answer of a stream: one byte, then a length (u32, big-endian), then that many bytes. */
export const frameKinds = { stdin: 0, stdout: 1, stderr: 2, exit: 3, window: 4, signal: 5, end: 6, event: 7, error: 8, consumed: 9 } as const;
export type FrameKind = keyof typeof frameKinds;
/**
 * At most so many bytes of stdin may be on their way; consumed frames (a u32, big-endian) give back what the guest took.
 * So the keeper never has to stop reading, and signals and a hang-up are heard behind any amount of input.
 */
export const stdinWindow = 1024 * 1024;
/** Body of an exit frame, as JSON. */
export interface ExitBody { readonly exitCode: number; readonly signal?: string }
/** Body of a window frame, as JSON. */
export interface WindowBody { readonly cols: number; readonly rows: number }

/** What a keeper says of its machine. */
export interface KeeperStatus {
  readonly pid: number;
  readonly version: string;
  /** adopting: it is about to take over a machine that is up. */
  readonly state: "starting" | "adopting" | "running" | "stopping" | "failed";
  readonly phase?: Phase;
  readonly children: readonly { readonly name: string; readonly pid: number; readonly role: "forwarder" | "helper" | "vm" }[];
  readonly accelerator: string;
  /** The guest's host key, where nobody knew it before this start. */
  readonly learnedHostKey?: string;
  readonly ports: readonly ResolvedPort[];
  /** Ports that programs in the guest had opened when that was last looked at. */
  readonly guestPorts: readonly ResolvedPort[];
  readonly sockets: readonly string[];
  /** Why it is not all well; empty when it is. */
  readonly problems: readonly string[];
  /** How often the machine was started again since the user did, when last, and why. */
  readonly restarts?: { readonly count: number; readonly at: string; readonly reason: string };
  /** When the keeper began, in milliseconds since the epoch. */
  readonly begun: number;
  /** Milliseconds since then, for each thing that happened: "vm" (spawned), then each phase's end. */
  readonly times: Readonly<Record<string, number>>;
  readonly residentBytes: number;
}

/** A port of the host that leads into the machine, and who asked for it: this side, or a program in the guest. */
export interface OpenPort extends ResolvedPort {
  readonly by: "host" | "guest";
}

/** One thing that happened, as `events` prints it and `events.jsonl` keeps it. */
export interface MachineEvent {
  /** ISO 8601. */
  readonly time: string;
  readonly machine: string;
  /** phase, child, port, state, note. */
  readonly type: string;
  readonly [field: string]: unknown;
}

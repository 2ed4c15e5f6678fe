import type { ExecOptions, ExecResult, GuestShell, PortForward } from "./model.ts";
import type { KeeperStatus } from "./keeper/protocol.ts";
import type { Plan } from "./plan.ts";
import type { MachineRecord } from "./record.ts";

/** Measured, never read back from a saved flag. */
export interface Status {
  /** absent: no record. orphaned: its VM lives without a keeper; the next verb that needs one gives it another. */
  readonly state: "absent" | "stopped" | "starting" | "running" | "stopping" | "orphaned";
  readonly condition: "ok" | "degraded" | "broken" | "orphaned";
  readonly reason?: string;
  readonly record?: MachineRecord;
  readonly keeper?: KeeperStatus;
  /** Why a machine that is up is not what its start was to make of it, where nobody is at it any more; the next start goes on with it. */
  readonly unfinished?: string;
  /** How a stopped machine came to its end, where nobody had asked for that. */
  readonly ended?: { readonly at: string; readonly reason: string };
}

export interface StartOptions {
  /** Override of single deadlines, in milliseconds. */
  readonly deadlines?: Partial<import("./keeper/plan.ts").Deadlines>;
  /** Make the machine's podman connection podman's default. Default: false, which leaves it as it is. */
  readonly updateConnection?: boolean;
}

/** A machine in the hands of a script or the command line. */
export interface Machine {
  readonly name: string;
  /** Locates, fetches or builds, verifies, makes the disk and the first-boot config. Throws "already-exists". */
  init(): Promise<MachineRecord>;
  /** Boots; returns when the guest is ready, ssh answers and the probed sockets answer. A running machine is left as it is. */
  start(options?: StartOptions): Promise<void>;
  /** Asks the guest, waits (`timeoutMs`, default 90000), then insists. Stopping a stopped machine is fine. */
  stop(options?: { readonly force?: boolean; readonly timeoutMs?: number }): Promise<void>;
  /** Removes every trace. Throws "wrong-state" when it runs, unless forced. */
  remove(options?: { readonly force?: boolean }): Promise<void>;
  /** Whatever is missing of init and start. A running machine gets the ports of its spec; what else has changed is told. */
  up(options?: StartOptions): Promise<void>;
  /** What the next start would do. No side effect. */
  plan(): Promise<Plan>;
  status(): Promise<Status>;
  exec(command: string | readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** A way into the running guest over the keeper's ssh connection. */
  ssh(): Promise<GuestShell>;
  /** Opens a port until disposed, or until the machine stops. */
  forward(port: PortForward): Promise<AsyncDisposable>;
  /** Closes the handle; the machine goes on. */
  [Symbol.asyncDispose](): Promise<void>;
}

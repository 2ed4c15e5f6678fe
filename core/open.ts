import { findConfig, loadScript } from "./config.ts";
import { MachineError } from "./errors.ts";
import { askKeeper, keeperShell } from "./keeper/client.ts";
import { protocolVersion } from "./keeper/protocol.ts";
import { init } from "./lifecycle/init.ts";
import { noSuchMachine } from "./lifecycle/missing.ts";
import { plan } from "./lifecycle/plan.ts";
import { remove } from "./lifecycle/remove.ts";
import { start } from "./lifecycle/start.ts";
import { statusOf } from "./lifecycle/status.ts";
import { stop } from "./lifecycle/stop.ts";
import type { Machine, Status } from "./machine.ts";
import type { PortForward, ResolvedPort } from "./model.ts";
import type { MachineRecord } from "./record.ts";
import type { Run } from "./run.ts";
import { resolveSpec } from "./spec.ts";
import type { MachineSpec, ResolvedSpec } from "./spec-types.ts";
import { readRecord } from "./store.ts";

/** A machine with its spec at hand. */
export interface OpenedMachine extends Machine {
  readonly spec: ResolvedSpec;
}

/** Which machine, and what the caller adds to it. */
export interface OpenWhat {
  readonly name?: string;
  /** A script or config file by path; else it is searched for. */
  readonly script?: string;
  /** Fields from the command line; they win. */
  readonly flags?: MachineSpec;
  /** A spec at hand, for scripts that open their own. */
  readonly spec?: MachineSpec;
}

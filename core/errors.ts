/** What a failure is about, for scripts that match on it. Stable; new codes may come. */
export type ErrorCode =
  | "usage" | "bad-spec" | "bad-config" | "bad-script" | "bad-name" | "bad-size" | "bad-image" | "bad-plugin"
  | "not-found" | "already-exists" | "wrong-state" | "no-machine" | "busy" | "name-taken" | "port-taken"
  | "slots-mismatch" | "missing-program" | "old-program" | "unsupported-host" | "host-limits"
  | "hook-failed" | "conflict" | "download" | "offline" | "digest" | "signature" | "build-failed" | "disk"
  | "deadline" | "vm-exited" | "helper-exited" | "first-boot-failed" | "ssh" | "host-key" | "keeper" | "podman-api"
  | "record" | "interrupted" | "internal";

export interface MachineErrorOptions {
  /** One sentence the user can act on: a command to type, a field to change. */
  hint?: string;
  /** The plugin at fault, when it was one. */
  plugin?: string;
  /** The phase or hook in which it happened. */
  stage?: string;
  cause?: unknown;
  /** Further problems of the same kind, all reported at once. */
  details?: readonly string[];
}

const brand = Symbol.for("glowplug.MachineError");

/** The one error type. Recognised by brand, since two copies of this module may live in one process. */
export class MachineError extends Error {
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly plugin?: string;
  readonly stage?: string;
  readonly details?: readonly string[];
  readonly [brand] = true;

  constructor(code: ErrorCode, message: string, options: MachineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MachineError";
    this.code = code;
    if (options.hint !== undefined) this.hint = options.hint;
    if (options.plugin !== undefined) this.plugin = options.plugin;
    if (options.stage !== undefined) this.stage = options.stage;
    if (options.details !== undefined) this.details = options.details;
  }
}

/** Whether a thrown value is a MachineError of this or another copy of glowplug. */
export function isMachineError(value: unknown): value is MachineError {
  return typeof value === "object" && value !== null && brand in value;
}

/** The text of any thrown value. */
export function messageOf(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}

/** A plain object of an error, as it crosses a process border or is printed by `--json`. */
export interface ErrorRecord {
  code: ErrorCode;
  message: string;
  hint?: string;
  plugin?: string;
  stage?: string;
  details?: readonly string[];
}

/** Turns any thrown value into a plain object. */
export function toErrorRecord(value: unknown): ErrorRecord {
  if (!isMachineError(value)) return { code: "internal", message: messageOf(value) };
  const { code, message, hint, plugin, stage, details } = value;
  return { code, message, ...(hint && { hint }), ...(plugin && { plugin }), ...(stage && { stage }), ...(details && { details }) };
}

/** The inverse of `toErrorRecord`. */
export function fromErrorRecord(record: ErrorRecord): MachineError {
  return new MachineError(record.code, record.message, record);
}

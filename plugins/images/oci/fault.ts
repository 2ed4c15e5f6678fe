import { MachineError, type ErrorCode } from "glowplug";

/** An error of this plugin. */
export function fault(code: ErrorCode, message: string, hint: string, cause?: unknown): MachineError {
  return new MachineError(code, message, { plugin: "oci", hint, ...(cause !== undefined && { cause }) });
}

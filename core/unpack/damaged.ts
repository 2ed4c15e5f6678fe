import { MachineError } from "../errors.ts";

/** MachineError "bad-image" for packed bytes that make no sense. `by` says so. */
export function damaged(by: string, problem: string, cause?: unknown): MachineError {
  return new MachineError("bad-image", `the image could not be unpacked: ${by}: ${problem}`, { cause, hint: "It was damaged where it lies or on the way; fetch or copy it again." });
}

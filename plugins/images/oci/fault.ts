import { MachineError, type ErrorCode } from "glowplug";

/** An error of this plugin. */
export function fault(code: ErrorCode, message: string, hint: string, cause?: unknown): MachineError {
  return new MachineError(code, message, { plugin: "oci", hint, ...(cause !== undefined && { cause }) });
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What somebody sent instead of what was expected, in a few words. */
export function excerpt(text: string): string {
  const [line = ""] = text.trim().split("\n", 1);
  return line === "" ? "nothing" : `text that begins with ${JSON.stringify(line.slice(0, 60))}`;
}

/** A JSON object, or what is there instead. */
export function readObject(text: string): { readonly object: Readonly<Record<string, unknown>> } | { readonly found: string } {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? { object: value } : { found: value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}` };
  } catch {
    return { found: excerpt(text) };
  }
}

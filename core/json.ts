/** A value as JSON has them that is an object, and neither a list nor null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text that is to be a JSON object: the object, or in a few words what is there instead. */
export function readObject(text: string): { readonly object: Readonly<Record<string, unknown>> } | { readonly found: string } {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? { object: value } : { found: kindOf(value) };
  } catch {
    return { found: excerpt(text) };
  }
}

/** What kind of value stands in the place of another, for "expected X, found Y". */
export function kindOf(value: unknown): string {
  if (value === undefined) return "none";
  return value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

/** The beginning of a text that somebody sent instead of what was expected: a proxy's page, for one. */
export function excerpt(text: string): string {
  const [line = ""] = text.trim().split("\n", 1);
  return line === "" ? "nothing" : `text that begins with ${JSON.stringify(line.slice(0, 60))}`;
}

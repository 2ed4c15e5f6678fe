/** A text as a data URL: percent-encoded so that a plan stays readable, or base64 where that is shorter. */
export function dataUrl(text: string): string {
  const bytes = Buffer.from(text);
  const plain = `data:,${[...bytes].map(percent).join("")}`;
  const packed = `data:;base64,${bytes.toString("base64")}`;
  return packed.length < plain.length ? packed : plain;
}

function percent(byte: number): string {
  const char = String.fromCharCode(byte);
  // Unreserved characters of RFC 3986 and those reserved ones that mean nothing in a data URL; "?" and "#" would end it.
  return /[A-Za-z0-9\-._~/:@=,]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

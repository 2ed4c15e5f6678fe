import { MachineError } from "./errors.ts";
import type { Compression } from "./model.ts";

/** How packed files begin: RFC 1952, the formats' own specifications, and APPNOTE.TXT 4.3.7 for zip. */
const beginnings: readonly (readonly [compression: Compression, hex: string])[] = [
  ["gz", "1f8b"], ["xz", "fd377a585a00"], ["zst", "28b52ffd"], ["bz2", "425a68"], ["zip", "504b0304"],
];

/** For messages. */
const names: Readonly<Record<Compression, string>> = { none: "not packed", gz: "packed with gzip", xz: "packed with xz", zst: "packed with zstd", bz2: "packed with bzip2", zip: "a zip archive" };

/** As many bytes as tell. */
export const magicLength = 512;

/** How a file is packed, as its first bytes tell. `none` for one that is not, or that is no image at all. */
export function compressionOf(head: Uint8Array): Compression {
  const hex = Buffer.from(head.subarray(0, 8)).toString("hex");
  return beginnings.find(([, beginning]) => hex.startsWith(beginning))?.[0] ?? "none";
}

/** Refuses a file that is packed in another way than was said, and a web page. Throws MachineError "bad-image". */
export function checkBeginning(head: Uint8Array, said: Compression, shown: string): void {
  if (isPage(head)) throw new MachineError("bad-image", `${shown} is a web page, not an image`, { hint: "Open it in a browser: it may want a login, or a network that wants one answered in its place." });
  const found = compressionOf(head);
  if (found === said || head.length === 0) return;
  throw new MachineError("bad-image", `${shown} is ${names[found]}; its name or its source says that it is ${names[said]}`, { hint: "Correct the name or the source; the bytes are believed." });
}

function isPage(head: Uint8Array): boolean {
  return /^\ufeff?\s*<(!doctype\s+html|html|head|\?xml[^>]*>\s*<(!doctype\s+html|html))/i.test(Buffer.from(head.subarray(0, magicLength)).toString("utf8"));
}

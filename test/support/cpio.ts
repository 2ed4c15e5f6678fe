/** A file of an archive. */
export interface ArchiveFile {
  /** Without a leading slash. */
  readonly path: string;
  /** Default: 0o644. */
  readonly mode?: number;
  readonly content: string;
}

/** An archive in the form that Linux unpacks as an initramfs ("newc"; Documentation/driver-api/early-userspace/buffer-format.rst). Folders come before what is in them. */
export function makeArchive(files: readonly ArchiveFile[]): Buffer {
  const folders = [...new Set(files.flatMap(({ path }) => path.split("/").slice(0, -1).map((_, depth, parts) => parts.slice(0, depth + 1).join("/"))))];
  return Buffer.concat([
    ...folders.map((path) => entry(path, 0o040755, "")),
    ...files.map(({ path, mode = 0o644, content }) => entry(path, 0o100000 | mode, content)),
    entry("TRAILER!!!", 0, ""),
  ]);
}

function entry(path: string, mode: number, content: string): Buffer {
  const [name, body] = [Buffer.from(`${path}\0`), Buffer.from(content)];
  // Inode, mode, owner, group, links, time, size, four device numbers, length of the name, no checksum.
  const fields = [0, mode, 0, 0, 1, 0, body.length, 0, 0, 0, 0, name.length, 0].map((value) => value.toString(16).padStart(8, "0"));
  return Buffer.concat([padded(Buffer.concat([Buffer.from(`070701${fields.join("")}`), name])), padded(body)]);
}

/** Every part ends on a multiple of four bytes. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

import { statSync, realpathSync, type Stats } from "node:fs";
import { join, resolve } from "node:path";
import { codeOf } from "./atomic.ts";
import { readDiskHeader } from "./disk-header.ts";
import { MachineError, messageOf } from "./errors.ts";
import { admitDisk } from "./image-admit.ts";
import { addImage, openIncoming } from "./image-add.ts";
import { findImage, type ImageOrigin, type StoredImage } from "./image-store.ts";
import type { LocalImage } from "./located-image.ts";
import type { Run } from "./run.ts";
import { copyAndHash } from "./sparse-copy.ts";

/**
 * A disk on this host, copied into the store: what a user does to the file afterwards harms no machine.
 * A file that was copied before and is unchanged is not even read.
 * Throws MachineError "not-found", "bad-image", and "conflict" when the file changes while it is copied.
 */
export async function obtainLocal(located: LocalImage, run: Run): Promise<{ readonly image: StoredImage; readonly origin: ImageOrigin }> {
  const { store } = run.paths;
  const path = resolvePath(located, run);
  const before = statSync(path);
  if (!before.isFile()) throw new MachineError("bad-image", `${path} is no file`, { hint: "Name a disk image, as qcow2 or raw." });
  const identity = { kind: "local" as const, path, size: before.size, mtimeMs: before.mtimeMs, ino: before.ino };
  const known = await findImage(store, (origin) => origin.kind === "local" && origin.path === path && isSameFile(origin, identity));
  if (known) return known;

  const header = await readDiskHeader(path, located.format);
  const phase = run.report.phase(`Copying ${located.title}`);
  const incoming = await openIncoming(store);
  try {
    const copy = join(incoming.folder, "source");
    const hex = await copyAndHash(path, copy, { signal: run.signal, onProgress: (done) => phase.progress(done, before.size) });
    if (!isSameFile(identity, statSync(path))) throw new MachineError("conflict", `${path} changed while it was copied`, { hint: "Stop whatever writes to it, a running virtual machine for one, and try again." });
    const disk = await admitDisk({ path: copy, format: header.format, sha256: hex, shown: path }, run);
    const origin: ImageOrigin = {
      ...identity, title: located.title, ...(located.release !== undefined && { release: located.release }),
      verified: [{ what: "local", digest: { algorithm: "sha256", hex } }],
    };
    const image = await addImage(store, disk, origin);
    phase.done();
    return { image, origin };
  } catch (error) {
    phase.fail();
    throw error;
  } finally {
    incoming.remove();
  }
}

function resolvePath({ path }: LocalImage, run: Run): string {
  try {
    return realpathSync(resolve(run.cwd, path));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") throw new MachineError("not-found", `there is no image ${resolve(run.cwd, path)}`, { cause, hint: "Check the path." });
    throw new MachineError("bad-image", `the image ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function isSameFile(a: Pick<Stats, "size" | "mtimeMs" | "ino">, b: Pick<Stats, "size" | "mtimeMs" | "ino">): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino;
}

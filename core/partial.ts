import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder, writeFileDurably } from "./atomic.ts";
import { shownUrl } from "./http.ts";
import type { FetchImage } from "./located-image.ts";
import { lockHolder, takeLock } from "./lock.ts";
import type { Paths } from "./paths.ts";
import { bootId } from "./process-identity.ts";
import { SparseFile } from "./sparse-file.ts";

/** What is known of the file that is being downloaded, so that the rest of the very same one can be asked for. */
export interface PartialSource {
  /** Without a password. */
  readonly url: string;
  /** Its entity tag or date of change, as If-Range wants it; undefined where the server gives none that can be relied on. */
  readonly validator?: string;
  /** Its length. */
  readonly total?: number;
}

interface PartialState extends PartialSource {
  readonly version: 1;
  /** Bytes that a power cut leaves, and the boot of the host in which all of the file can be trusted. */
  readonly durable: number;
  readonly bootId: string;
}

/** What may be lost to a power cut; a kill loses no more than what is gathered. A quick download is over before its packed bytes ever get to the disk. */
const markEveryMs = 30_000;
const gather = 256 * 2 ** 10;

/**
 * The bytes of a download so far, on disk: they stay until the image is in the store, since nothing can go on unpacking in the middle.
 * Held by one process at a time.
 */
export class Partial {
  readonly #folder: string;
  readonly #release: () => void;
  #state: PartialState | undefined;
  #file: SparseFile | undefined;
  #marked = performance.now();
  #marking: Promise<void> = Promise.resolve();

  private constructor(folder: string, release: () => void) {
    this.#folder = folder;
    this.#release = release;
    this.#state = readState(this.#statePath);
  }

  /** Takes hold of the partial file of an image. `onWait` is told who is at it; then it is waited for. */
  static async open(image: FetchImage, paths: Paths, options: { readonly signal: AbortSignal; onWait(holder: string): void }): Promise<Partial> {
    const name = nameOf(image);
    const folder = join(paths.partial, name);
    const day = 86_400_000;
    const lock = await takeLock(lockOf(paths, name), { purpose: `downloading ${image.title}`, subject: `the download of ${image.title}`, timeoutMs: day, ...options });
    try {
      makePrivateFolder(folder);
      return new Partial(folder, () => lock.release());
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get path(): string {
    return join(this.#folder, "file");
  }
  get #statePath(): string {
    return join(this.#folder, "state.json");
  }

  /** Where the bytes on disk are from; undefined where there are none. */
  get source(): PartialSource | undefined {
    return this.size > 0 ? this.#state : undefined;
  }

  /** Bytes on disk that can be trusted. */
  get size(): number {
    if (this.#file) return this.#file.size;
    const found = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (!this.#state) return 0;
    return this.#state.bootId === bootId() ? found : Math.min(found, this.#state.durable);
  }

  /** Begins to write behind what is there. */
  async begin(source: PartialSource): Promise<void> {
    const at = this.size;
    await this.close();
    if (at === 0) rmSync(this.path, { force: true });
    else {
      chmodSync(this.path, 0o600); // a kill may have come when it was on its way into the store
      truncateSync(this.path, at);
    }
    await this.#write({ ...source, version: 1, durable: this.#state?.bootId === bootId() ? this.#state.durable : at, bootId: bootId() });
    this.#file = await SparseFile.open(this.path, { at, gather });
  }

  async append(piece: Uint8Array): Promise<void> {
    await this.#file?.write(piece);
    if (performance.now() - this.#marked > markEveryMs) this.#mark();
  }

  /** All that was appended is in the file. */
  async flush(): Promise<void> {
    await this.#file?.flush();
  }

  /** Makes the whole file last. */
  async sync(): Promise<void> {
    await this.flush();
    await this.#marking;
    await this.#file?.sync();
  }

  /** Forgets what is there. */
  async clear(): Promise<void> {
    await this.close();
    this.#state = undefined;
    for (const name of readdirSync(this.#folder)) rmSync(join(this.#folder, name), { recursive: true, force: true });
  }

  /** Closes the file, and leaves it for later. */
  async close(): Promise<void> {
    await this.#marking;
    await this.#file?.flush().catch(() => {}); // of a full disk nothing more is to be had
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Removes it all: the image is in the store. */
  async remove(): Promise<void> {
    await this.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async release(): Promise<void> {
    await this.close();
    if (existsSync(this.#folder) && readdirSync(this.#folder).length === 0) rmSync(this.#folder, { recursive: true });
    this.#release();
  }

  /** Notes in the background how much a power cut leaves. */
  #mark(): void {
    const file = this.#file;
    const state = this.#state;
    this.#marked = performance.now();
    if (!file || !state) return;
    const durable = file.size - (file.size % gather) - gather; // the last buffer may be on its way
    this.#marking = this.#marking.then(async () => {
      await file.sync();
      await this.#write({ ...state, durable: Math.max(durable, state.durable) });
    }).catch(() => {}); // then more is fetched again after a power cut
  }

  async #write(state: PartialState): Promise<void> {
    await writeFileDurably(this.#statePath, JSON.stringify(state));
    this.#state = state;
  }
}

/** Removes the downloads that nobody goes on with just now, and returns the bytes that they took. */
export function removePartials(paths: Paths): number {
  const names = existsSync(paths.partial) ? readdirSync(paths.partial) : [];
  let freed = 0;
  for (const name of names.filter((one) => lockHolder(lockOf(paths, one)) === undefined)) {
    freed += (statSync(join(paths.partial, name, "file"), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
    rmSync(join(paths.partial, name), { recursive: true, force: true });
  }
  return freed;
}

/** The same bytes have the same name, whatever mirror they come from. Without a checksum the address has to do. */
function nameOf({ url, digest }: FetchImage): string {
  return digest === "waived" ? `address-${createHash("sha256").update(shownUrl(url)).digest("hex")}` : `${digest.algorithm}-${digest.hex}`;
}

function lockOf(paths: Paths, name: string): string {
  return join(paths.store, "locks", `partial-${name}`);
}

function readState(path: string): PartialState | undefined {
  try {
    const state = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    const isRight = state["version"] === 1 && typeof state["url"] === "string" && typeof state["bootId"] === "string" && typeof state["durable"] === "number";
    return isRight ? state as unknown as PartialState : undefined;
  } catch {
    return undefined;
  }
}

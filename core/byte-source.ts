import { createReadStream } from "node:fs";
import { badStatus, connect, failure, limitsOf, PassingError, pause, shownUrl, type HttpRun, type Response } from "./http.ts";
import { MachineError } from "./errors.ts";
import type { FetchImage } from "./located-image.ts";
import type { Partial, PartialSource } from "./partial.ts";

/** The file is another one than that whose first part is here: everything behind the stream begins anew. */
export class FileChanged extends Error {
  readonly url: string;

  constructor(url: string) {
    super(`${url} is another file by now`);
    this.url = url;
  }
}

export interface ByteSourceOptions {
  readonly image: Pick<FetchImage, "digest" | "size" | "headers" | "anyCertificate">;
  readonly partial: Partial;
  /** Called with the bytes that are here and those of the whole file. */
  onProgress(done: number, total: number | undefined): void;
}

/**
 * The bytes of a published file as one sequence: first those that are on disk, then the rest from the network, which go to disk as well. A connection that
 * breaks or stalls is made anew where it stopped. Throws MachineError "download" when that does not help, FileChanged when the file is another one by now.
 */
export async function* bytesOf(url: string, { image, partial, onProgress }: ByteSourceOptions, run: HttpRun): AsyncGenerator<Uint8Array, void, void> {
  const { digest, size: published } = image;
  const kept = partial.source;
  // What another address sent is only good where the whole is checked in the end.
  if (kept && !(digest !== "waived" || (kept.url === shownUrl(url) && kept.validator !== undefined))) await partial.clear();
  if (published !== undefined && partial.size > published) await partial.clear();
  for await (const piece of replay(partial, run.signal)) {
    yield piece;
  }
  onProgress(partial.size, partial.source?.total ?? published);
  const { tries } = limitsOf(run);
  for (let failed = 0; ; ) {
    if (digest !== "waived" && partial.size > 0 && partial.size === (published ?? partial.source?.total)) return;
    const before = partial.size;
    try {
      yield* rest();
      return;
    } catch (error) {
      failed = partial.size > before ? 1 : failed + 1;
      const passing = error instanceof MachineError && !(error instanceof PassingError) && partial.size > 0 && isUnreachable(error) ? new PassingError(error) : error;
      if (!(passing instanceof PassingError) || failed >= tries) throw error;
      await pause(run, failed, passing);
    }
  }

  /** One answer, to its end. */
  async function* rest(): AsyncGenerator<Uint8Array, void, void> {
    const { answer, explain, close } = await connect(url, run, { ...image.headers, ...rangeFor(url, partial) }, { ...image, isChecked: digest !== "waived" });
    try {
      const source = accept(answer);
      if (source === "complete") return;
      await partial.begin(source);
      for await (const piece of answer.body as AsyncIterable<Buffer>) {
        if (source.total !== undefined && partial.size + piece.length > source.total) throw failure(url, `more than its ${source.total} bytes arrived`, "It is not the file that was published, or the server is broken.");
        await partial.append(piece);
        onProgress(partial.size, source.total);
        yield piece;
      }
      if (source.total !== undefined && partial.size < source.total) throw new PassingError(failure(url, `${partial.size} bytes arrived, expected ${source.total}`));
    } catch (cause) {
      throw cause instanceof FileChanged ? cause : explain(cause);
    } finally {
      await close();
    }
  }

  function accept(answer: Response): PartialSource | "complete" {
    const { statusCode, headers } = answer;
    const at = partial.size;
    const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(String(headers["content-range"] ?? ""));
    if (statusCode === 416 && at > 0) {
      if (Number(range?.[2]) === at) return "complete";
      throw new FileChanged(url);
    }
    if (statusCode !== 200 && statusCode !== 206) throw badStatus(url, answer);
    if (statusCode === 206 && Number(range?.[1]) !== at) throw at > 0 ? new FileChanged(url) : failure(url, "the server sent another part than the one that was asked for");
    const length = statusCode === 206 ? Number(range?.[2]) : Number(headers["content-length"] ?? Number.NaN);
    const total = Number.isFinite(length) ? length : published;
    if (published !== undefined && total !== published) throw failure(url, `the server has ${total} bytes, expected ${published}`, "It is not the file that was published: a new release may have taken its place.");
    if (statusCode === 200 && at > 0) throw new FileChanged(url);
    const known = partial.source?.total;
    if (at > 0 && known !== undefined && total !== undefined && known !== total) throw new FileChanged(url);
    const validator = validatorOf(headers);
    return { url: shownUrl(url), ...(validator !== undefined && { validator }), ...(total !== undefined && { total }) };
  }
}

/** What asks for the rest of the very same file (RFC 9110, 13.1.5). Another address's validator means nothing here; there the checksum of the whole has to do. */
function rangeFor(url: string, { size, source }: Partial): Record<string, string> {
  if (size === 0 || !source) return {};
  const same = source.url === shownUrl(url) && source.validator !== undefined;
  return { range: `bytes=${size}-`, ...(same && { "if-range": source.validator }) };
}

/** A strong entity tag, or a date of change that is older than the answer by a second, which makes it strong (RFC 9110, 8.8.2.2). */
function validatorOf({ etag, date, "last-modified": changed }: Response["headers"]): string | undefined {
  if (typeof etag === "string" && etag.startsWith('"')) return etag;
  return typeof changed === "string" && typeof date === "string" && Date.parse(date) - Date.parse(changed) >= 1000 ? changed : undefined;
}

async function* replay(partial: Partial, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  if (partial.size > 0) yield* createReadStream(partial.path, { highWaterMark: 2 ** 20, end: partial.size - 1, signal }) as AsyncIterable<Uint8Array>;
}

/** Once a part has arrived, the server is known to be there: its name or its port may come back. */
function isUnreachable({ cause }: MachineError): boolean {
  return typeof cause === "object" && cause !== null && "code" in cause && (cause.code === "ENOTFOUND" || cause.code === "ECONNREFUSED");
}

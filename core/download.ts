import { badStatus, connect, failure, withRetries, type ConnectOptions, type HttpRun, type Response } from "./http.ts";
import type { Answer, AskOptions } from "./roles/image.ts";
import type { Run } from "./run.ts";
import { keepAnswer, keptAnswer, type KeptAnswer } from "./text-cache.ts";

/** The parts of a run that fetching a text needs. */
export type DownloadRun = HttpRun & Pick<Run, "paths" | "report"> & {
  /** Keep a copy of what is fetched, for later use offline. Default: true. */
  readonly keep?: boolean;
};

/** An index or a checksum file is small; whatever is larger is not one. */
const textLimit = 16 * 2 ** 20;

/** Text of a small file over HTTP(S), at most 16 MiB of UTF-8. Throws MachineError "download" with the address, "offline" where no copy was kept. */
export async function fetchText(url: string, run: DownloadRun): Promise<string> {
  return (await fetchBytes(url, run)).toString("utf8");
}

/** A small file over HTTP(S), at most 16 MiB; `isChecked` where its signature is checked afterwards. Throws MachineError "download" with the address, "offline" where no copy was kept. */
export async function fetchBytes(url: string, run: DownloadRun, { isChecked = false } = {}): Promise<Buffer> {
  return (await get(url, run, { isChecked }, (answer) => {
    if (answer.statusCode !== 200) throw badStatus(url, answer);
  })).body;
}

/**
 * The whole answer to one GET, redirects followed, whatever its status. Throws MachineError "download" where no answer came, "offline" where no
 * copy was kept. An answer to a request that said more than what it accepts is kept only where that is asked for: it may be for one user alone.
 */
export async function ask(url: string, run: DownloadRun, options: AskOptions = {}): Promise<Answer> {
  const { status, headers, body } = await get(url, run, options, () => {});
  return { status, headers, text: body.toString("utf8") };
}

async function get(url: string, run: DownloadRun, { headers = {}, anyCertificate, isChecked, keep = Object.keys(headers).every((name) => name === "accept") }: AskOptions & Pick<ConnectOptions, "isChecked">, check: (answer: Response) => void): Promise<KeptAnswer> {
  if (run.offline) return keptAnswer(url, run);
  const answer = await withRetries(run, async () => {
    const connection = await connect(url, run, headers, { anyCertificate, isChecked });
    try {
      const found = connection.answer;
      check(found);
      const plain = Object.entries(found.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value ?? ""] as const);
      return { status: found.statusCode, headers: Object.fromEntries(plain), body: await readSmall(url, found.body) };
    } catch (cause) {
      throw connection.explain(cause);
    } finally {
      await connection.close();
    }
  });
  if (keep && run.keep !== false && answer.status === 200) await keepAnswer(url, answer, run);
  return answer;
}

async function readSmall(url: string, body: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > textLimit) throw failure(url, `it is longer than ${textLimit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

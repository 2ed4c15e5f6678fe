import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Digest, DigestAlgorithm } from "../../core/model.ts";

export type WebAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** A web server on the loopback. */
export interface TestWeb {
  readonly address: string;
  /** Paths that were asked for, with the range where there was one: "/disk bytes=100-". */
  readonly asked: string[];
  /** What it answers, by path. Anything else is 404. */
  readonly answers: Record<string, WebAnswer>;
  close(): Promise<void>;
}

export async function startWeb(): Promise<TestWeb> {
  const asked: string[] = [];
  const answers: Record<string, WebAnswer> = {};
  const server = createServer((request, response) => {
    const { range } = request.headers;
    asked.push(`${request.url}${range === undefined ? "" : ` ${range}`}`);
    const answer = answers[request.url ?? ""];
    if (answer) answer(request, response);
    else response.writeHead(404).end("no such file");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    asked, answers, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export interface ServedFile {
  /** Entity tag, with its quotes; none where it is undefined. */
  readonly tag?: string;
  /** Breaks the connection after so many bytes of the body. */
  readonly breakAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Serves a file as good servers do: with Range and If-Range (RFC 9110, 14 and 13.1.5). */
export function serveFile(bytes: Buffer, { tag, breakAfter, headers = {} }: ServedFile = {}): WebAnswer {
  return (request, response) => {
    const { range, "if-range": condition } = request.headers;
    const at = range !== undefined && (condition === undefined || condition === tag) ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
    const all = { ...headers, ...(tag !== undefined && { etag: tag }), "accept-ranges": "bytes" };
    if (at >= bytes.length && at > 0) return void response.writeHead(416, { ...all, "content-range": `bytes */${bytes.length}` }).end();
    const body = bytes.subarray(at);
    response.writeHead(at > 0 ? 206 : 200, { ...all, "content-length": body.length, ...(at > 0 && { "content-range": `bytes ${at}-${bytes.length - 1}/${bytes.length}` }) });
    if (breakAfter === undefined || breakAfter >= body.length) response.end(body);
    else response.write(body.subarray(0, breakAfter), () => response.destroy());
  };
}

/** The checksum that a publisher would print. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return { algorithm, hex: createHash(algorithm).update(bytes).digest("hex") };
}

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { rootCertificates } from "node:tls";
import type { Dispatcher } from "undici";
import { codeOf } from "./atomic.ts";
import { MachineError, messageOf } from "./errors.ts";
import type { DigestAlgorithm, HostFacts } from "./model.ts";
import type { Answer } from "./roles/image.ts";
import type { Run } from "./run.ts";

/** The parts of a run that a download needs. */
export type DownloadRun = Pick<Run, "signal"> & { readonly host: Pick<HostFacts, "env"> };

/** Limits of one request. */
const connectMs = 20_000;
const headersMs = 60_000;
/** Between two pieces of the body. */
const idleMs = 60_000;
const redirects = 10;
/** An index or a checksum file is small; whatever is larger is not one. */
const textLimit = 16 * 2 ** 20;

/** Text of a small file over HTTP(S), at most 16 MiB of UTF-8. Throws MachineError "download" with the address. */
export async function fetchText(url: string, run: DownloadRun): Promise<string> {
  return (await fetchBytes(url, run)).toString("utf8");
}

/** A small file over HTTP(S), at most 16 MiB. Throws MachineError "download" with the address. */
export function fetchBytes(url: string, run: DownloadRun): Promise<Buffer> {
  return request(url, run, {}, ({ statusCode, body }) => {
    if (statusCode !== 200) throw badStatus(url, statusCode);
    return readSmall(url, body);
  });
}

/** The whole answer to one GET, redirects followed, whatever its status. Throws MachineError "download" where no answer came. */
export function ask(url: string, run: DownloadRun, options: { readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Answer> {
  return request(url, run, options.headers ?? {}, async ({ statusCode, headers, body }) => {
    const plain = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value ?? ""] as const);
    return { status: statusCode, headers: Object.fromEntries(plain), text: (await readSmall(url, body)).toString("utf8") };
  });
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

export interface FetchOptions {
  /** Which checksum to make of what arrives. */
  readonly algorithm: DigestAlgorithm;
  /** Bytes of the file as published; more or fewer are an error. Default: what the server says. */
  readonly size?: number;
  /** Sent to the address's own origin alone. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

/** Fetches a file into a new one and returns its checksum as lower-case hex. Throws MachineError "download" with the address. */
export async function fetchFile(url: string, path: string, options: FetchOptions, run: DownloadRun): Promise<string> {
  const hash = createHash(options.algorithm);
  const handle = await open(path, "wx", 0o600);
  try {
    let done = 0;
    await request(url, run, options.headers ?? {}, async ({ statusCode, headers, body }) => {
      if (statusCode !== 200) throw badStatus(url, statusCode);
      const length = Number(headers["content-length"]);
      const total = options.size ?? (Number.isFinite(length) ? length : undefined);
      for await (const piece of body as AsyncIterable<Buffer>) {
        done += piece.length;
        if (total !== undefined && done > total) throw failure(url, `more than its ${total} bytes arrived`);
        hash.update(piece);
        await handle.writeFile(piece);
        options.onProgress?.(done, total);
      }
    });
    if (options.size !== undefined && done !== options.size) throw failure(url, `${done} bytes arrived, expected ${options.size}`);
    await handle.sync();
    return hash.digest("hex");
  } finally {
    await handle.close();
  }
}

/** An address without a password in it, for messages and records. */
export function shownUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, "$1***@");
}

/** One GET, following redirects, through the proxies of the environment. Every wait in it is limited. */
async function request<T>(url: string, run: DownloadRun, headers: Readonly<Record<string, string>>, take: (answer: Dispatcher.ResponseData) => Promise<T> | T): Promise<T> {
  if (!/^https?:\/\/./i.test(url)) throw new MachineError("download", `${shownUrl(url)} is no address of a file`, { hint: "Write an http:// or https:// address." });
  run.signal.throwIfAborted();
  const dispatcher = await makeDispatcher(run.host.env);
  try {
    const answer = await dispatcher.request({
      ...splitUrl(url), method: "GET", signal: run.signal, headersTimeout: headersMs, bodyTimeout: idleMs,
      headers: { "user-agent": "glowplug", "accept-encoding": "identity", ...headers },
    });
    answer.body.on("error", () => {}); // of a body that nobody reads to its end
    return await take(answer);
  } catch (cause) {
    run.signal.throwIfAborted();
    throw cause instanceof MachineError ? cause : failure(url, reasonOf(cause), hintFor(cause), cause);
  } finally {
    await dispatcher.destroy();
  }
}

/** Proxies and certificate authorities as the environment names them. Loaded late: undici takes 50 ms. */
async function makeDispatcher(env: HostFacts["env"]): Promise<Dispatcher> {
  const { EnvHttpProxyAgent, interceptors } = await import("undici");
  const variable = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? "";
  const any = variable("all_proxy").startsWith("http") ? variable("all_proxy") : "";
  const authorities = env["SSL_CERT_FILE"] ? { ca: [...rootCertificates, readFileSync(env["SSL_CERT_FILE"], "utf8")] } : {};
  const agent = new EnvHttpProxyAgent({
    // An empty text, unlike a missing one, keeps it from looking into the process's environment by itself.
    httpProxy: variable("http_proxy") || any, httpsProxy: variable("https_proxy") || any, noProxy: variable("no_proxy"),
    connect: { timeout: connectMs, ...authorities }, requestTls: authorities, proxyTls: authorities,
  });
  return agent.compose(interceptors.redirect({ maxRedirections: redirects }));
}

function splitUrl(url: string): { origin: string; path: string } {
  const { origin, pathname, search } = new URL(url);
  return { origin, path: `${pathname}${search}` };
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "its host name is not known", EAI_AGAIN: "its host name cannot be looked up just now", ECONNREFUSED: "the server refuses the connection",
  ECONNRESET: "the connection broke", UND_ERR_SOCKET: "the connection broke", UND_ERR_CONNECT_TIMEOUT: `no connection within ${connectMs / 1000} s`,
  UND_ERR_HEADERS_TIMEOUT: `no answer within ${headersMs / 1000} s`, UND_ERR_BODY_TIMEOUT: `nothing arrived for ${idleMs / 1000} s`,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "it was cut off", UND_ERR_ABORTED: "it was cut off",
};

function reasonOf(cause: unknown): string {
  return reasons[codeOf(cause) ?? ""] ?? messageOf(cause);
}

function hintFor(cause: unknown): string | undefined {
  const code = codeOf(cause) ?? "";
  if (/CERT|SELF_SIGNED|ISSUER/.test(code)) return "If a proxy of your company signs connections, name its certificates in SSL_CERT_FILE.";
  return /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|UND_ERR_CONNECT_TIMEOUT)$/.test(code) ? "Check the network, and HTTPS_PROXY if you are behind a proxy." : undefined;
}

function badStatus(url: string, status: number): MachineError {
  return failure(url, `the server answered ${status}`, status === 404 ? "Has the release been withdrawn? Choose another." : undefined);
}

function failure(url: string, problem: string, hint?: string, cause?: unknown): MachineError {
  return new MachineError("download", `${shownUrl(url)} could not be fetched: ${problem}`, { ...(hint !== undefined && { hint }), cause });
}

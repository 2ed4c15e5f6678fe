import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { rootCertificates } from "node:tls";
import type { Dispatcher } from "undici";
import { codeOf } from "./atomic.ts";
import { usualLimits, type DownloadLimits } from "./download-limits.ts";
import { MachineError, messageOf } from "./errors.ts";
import type { HostFacts } from "./model.ts";
import type { Run } from "./run.ts";

/** The parts of a run that a request needs. */
export type HttpRun = Pick<Run, "signal" | "limits" | "offline"> & { readonly host: Pick<HostFacts, "env"> };

/** A failure that may be gone a moment later. `afterMs` is how long the server asked to be left alone. */
export class PassingError extends MachineError {
  readonly afterMs: number;

  constructor(error: MachineError, afterMs = 0) {
    super(error.code, error.message, error);
    this.afterMs = afterMs;
  }
}

const redirects = 10;

/** An address without a password in it, for messages and records. */
export function shownUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, "$1***@");
}

export function limitsOf({ limits }: Pick<Run, "limits">): DownloadLimits {
  return { ...usualLimits, ...limits };
}

/** An answer as it arrives. */
export type Response = Dispatcher.ResponseData;

/** An answer whose body is still to be read. */
export interface Connection {
  readonly answer: Response;
  /** What went wrong while the body was read, in words: MachineError "download", a PassingError where another try may help. */
  explain(cause: unknown): unknown;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Take whatever certificate a server shows. Default: false. */
  readonly anyCertificate?: boolean | undefined;
  /** What arrives is checked by a checksum or a signature, so that a redirect may lead from https to http, as publishers' do to mirrors. Default: false. */
  readonly isChecked?: boolean | undefined;
}

/**
 * One GET, redirects followed, through the proxies of the environment. Every wait in it is limited. Headers go to the address's own
 * origin alone. Throws MachineError "offline" where nothing may be fetched, "download" otherwise; a PassingError where another try may help.
 */
export async function connect(url: string, run: HttpRun, headers: Readonly<Record<string, string>>, { anyCertificate = false, isChecked = false }: ConnectOptions = {}): Promise<Connection> {
  const shown = shownUrl(url);
  if (!/^https?:\/\/./i.test(url) || !URL.canParse(url)) throw new MachineError("download", `${shown} is no address of a file`, { hint: "Write an http:// or https:// address." });
  if (run.offline) throw new MachineError("offline", `${shown} is needed, and nothing may be fetched offline`, { hint: "Do it once without --offline and GLOWPLUG_OFFLINE; then it is there." });
  run.signal.throwIfAborted();
  const limits = limitsOf(run);
  const dispatcher = await makeDispatcher(run.host.env, limits, anyCertificate);
  const explain = (cause: unknown): unknown => {
    if (run.signal.aborted) return run.signal.reason;
    if (cause instanceof MachineError || isOfDisk(cause)) return cause;
    const error = failure(url, reasonOf(cause, limits), hintFor(cause), cause);
    return isPassing(cause) ? new PassingError(error) : error;
  };
  try {
    return { answer: await follow(dispatcher, url, headers, run.signal, limits, isChecked), explain, close: () => dispatcher.destroy() };
  } catch (cause) {
    await dispatcher.destroy();
    throw explain(cause);
  }
}

/** Does it again while it fails with a PassingError. */
export async function withRetries<T>(run: HttpRun, work: () => Promise<T>): Promise<T> {
  const { tries } = limitsOf(run);
  for (let failed = 0; ; ) {
    try {
      return await work();
    } catch (error) {
      failed += 1;
      if (!(error instanceof PassingError) || failed >= tries) throw error;
      await pause(run, failed, error);
    }
  }
}

/** Waits before another try. Throws the signal's reason when it aborts. */
export async function pause(run: HttpRun, failed: number, error: PassingError): Promise<void> {
  const mostAsked = 60_000;
  await sleep(Math.max(limitsOf(run).pauseMs(failed), Math.min(mostAsked, error.afterMs)), undefined, { signal: run.signal }).catch(() => run.signal.throwIfAborted());
}

async function follow(dispatcher: Dispatcher, url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal, limits: DownloadLimits, isChecked: boolean): Promise<Response> {
  const home = new URL(url).origin;
  for (let at = new URL(url), hops = 0; ; hops += 1) {
    const answer = await dispatcher.request({
      origin: at.origin, path: `${at.pathname}${at.search}`, method: "GET", signal, headersTimeout: limits.headersMs, bodyTimeout: limits.stallMs,
      headers: { "user-agent": "glowplug", "accept-encoding": "identity", ...(at.origin === home ? headers : rangeOf(headers)) },
    });
    answer.body.on("error", () => {}); // of a body that nobody reads to its end
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.statusCode) || typeof location !== "string") return answer;
    if (hops >= redirects) throw failure(url, `it is redirected more than ${redirects} times`, "The server sends it around in a circle; tell its owner, or take another mirror.");
    await answer.body.dump();
    const from = at.protocol;
    at = new URL(location, at);
    if (from === "https:" && at.protocol === "http:" && !isChecked) {
      throw failure(url, `it is redirected from https to ${shownUrl(at.href)}, where anybody on the way could change it`, "Name an address that stays with https, or another mirror.");
    }
    if (!/^https?:$/.test(at.protocol)) throw failure(url, `it is redirected to ${at.protocol}, which is no web address`);
  }
}

/** What every origin may see: which part of the file is wanted. */
function rangeOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name === "range" || name === "if-range"));
}

/** Proxies and certificate authorities as the environment names them. Loaded late: undici takes 50 ms. */
async function makeDispatcher(env: HostFacts["env"], { connectMs }: DownloadLimits, anyCertificate: boolean): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import("undici");
  const variable = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? "";
  const any = variable("all_proxy").startsWith("http") ? variable("all_proxy") : "";
  const added = [env["SSL_CERT_FILE"], env["NODE_EXTRA_CA_CERTS"]].flatMap((path) => (path ? [readCertificates(path)] : []));
  const authorities = added.length > 0 ? { ca: [...rootCertificates, ...added] } : {};
  const unchecked = anyCertificate ? { rejectUnauthorized: false } : {};
  return new EnvHttpProxyAgent({
    // An empty text, unlike a missing one, keeps it from looking into the process's environment by itself.
    httpProxy: variable("http_proxy") || any, httpsProxy: variable("https_proxy") || any, noProxy: variable("no_proxy"),
    connect: { timeout: connectMs, ...authorities, ...unchecked }, requestTls: { ...authorities, ...unchecked }, proxyTls: authorities,
  });
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new MachineError("download", `the certificates in ${path} cannot be read: ${messageOf(cause)}`, { hint: "SSL_CERT_FILE or NODE_EXTRA_CA_CERTS names them.", cause });
  }
}

function reasonOf(cause: unknown, { connectMs, headersMs, stallMs }: DownloadLimits): string {
  const reasons: Readonly<Record<string, string>> = {
    ENOTFOUND: "its host name is not known", EAI_AGAIN: "its host name cannot be looked up just now", ECONNREFUSED: "the server refuses the connection",
    ECONNRESET: "the connection broke", UND_ERR_SOCKET: "the connection broke", UND_ERR_CONNECT_TIMEOUT: `no connection within ${connectMs / 1000} s`,
    UND_ERR_HEADERS_TIMEOUT: `no answer within ${headersMs / 1000} s`, UND_ERR_BODY_TIMEOUT: `nothing arrived for ${stallMs / 1000} s`,
    UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "it was cut off", UND_ERR_ABORTED: "it was cut off",
  };
  return reasons[codeOf(cause) ?? ""] ?? messageOf(cause);
}

function hintFor(cause: unknown): string | undefined {
  const code = codeOf(cause) ?? "";
  if (/CERT|SELF_SIGNED|ISSUER/.test(code)) return "If a proxy of your company signs connections, name its certificates in SSL_CERT_FILE.";
  return /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|UND_ERR_CONNECT_TIMEOUT)$/.test(code) ? "Check the network, and HTTPS_PROXY if you are behind a proxy." : undefined;
}

/** A name that nobody knows and a port that nobody listens on are mostly a slip of the pen: they are told at once. */
function isPassing(cause: unknown): boolean {
  return /^(EAI_AGAIN|ECONNRESET|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENETDOWN|UND_ERR_(SOCKET|CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT|RES_CONTENT_LENGTH_MISMATCH|ABORTED))$/.test(codeOf(cause) ?? "");
}

/** A failed call of the file system keeps its own words. */
function isOfDisk(cause: unknown): boolean {
  return /^(ENOSPC|EDQUOT|EROFS|EIO|EACCES|EPERM)$/.test(codeOf(cause) ?? "") && typeof cause === "object" && cause !== null && "syscall" in cause && cause.syscall !== "connect";
}

/** An answer that is not the file. */
export function badStatus(url: string, { statusCode, headers }: Pick<Response, "statusCode" | "headers">): MachineError {
  const hint = {
    401: "The server wants to know who asks; is the address right?", 403: "The server does not give it to everybody; is the address right?",
    404: "Has the release been withdrawn? Choose another.", 410: "The release has been withdrawn. Choose another.",
  }[statusCode];
  const error = failure(url, `the server answered ${statusCode}`, hint ?? (statusCode >= 500 ? "The server has a problem of its own; try again later." : undefined));
  const passing = statusCode >= 500 || statusCode === 429 || statusCode === 408;
  return passing ? new PassingError(error, Number(headers["retry-after"]) * 1000 || 0) : error;
}

/** MachineError "download" with the address. */
export function failure(url: string, problem: string, hint?: string, cause?: unknown): MachineError {
  return new MachineError("download", `${shownUrl(url)} could not be fetched: ${problem}`, { ...(hint !== undefined && { hint }), cause });
}

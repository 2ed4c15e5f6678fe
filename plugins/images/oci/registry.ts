import { digestText, isMachineError, readDigest, readObject, type Answer, type ImageQuery } from "glowplug";
import { authorize, denied } from "./authorize.ts";
import { findLogin, type Login } from "./credentials.ts";
import { checkText, needDigest } from "./digest.ts";
import { mediaTypes, parseDocument, type Descriptor } from "./document.ts";
import { fault } from "./fault.ts";
import { isLoopback, type Reference } from "./reference.ts";
import type { Source } from "./source.ts";

export interface Registry extends Source {
  /** What the registry wants to hear with each further request, once it has been asked. */
  headers(): Readonly<Record<string, string>> | undefined;
}

export interface RegistryOptions {
  /** Speak plain http. Default: with this very host alone, unless it asks for https. */
  readonly insecure?: boolean;
  /** False: any certificate will do, or plain http. Default: true. */
  readonly tlsVerify?: boolean;
  /** Absolute. */
  readonly authFile?: string;
}

const accept = Object.keys(mediaTypes).join(", ");

/** An image of a registry (distribution-spec, spec.md, "Pulling manifests"). Logs in where it is told to, and only then looks for who the user is. */
export function openRegistry(reference: Reference, { insecure, tlsVerify = true, authFile }: RegistryOptions, query: Pick<ImageQuery, "host" | "ask">): Registry {
  const { host, name, tag, digest } = reference;
  const shown = `docker://${reference.shown}`;
  const plain = insecure ?? isLoopback(host);
  // Where nobody has to prove anything, http is tried after https, as podman does; with this very host https after http, where it says so.
  let schemes = insecure === true ? ["http"] : plain ? ["http", "https"] : tlsVerify ? ["https"] : ["https", "http"];
  const base = (): string => `${schemes[0]}://${host === "docker.io" ? "registry-1.docker.io" : host}/v2/${name}`;
  const ask: ImageQuery["ask"] = (url, options) => query.ask(url, { ...options, ...(!tlsVerify && { anyCertificate: true }) });
  let authorization: string | undefined;
  let login: Login | undefined;

  async function get(what: string, where: string): Promise<Answer> {
    // A manifest names no secret, whoever may ask for it.
    const asked = (): Promise<Answer> => ask(`${base()}/manifests/${what}`, { headers: { accept, ...headers() }, keep: true });
    const askNext = (): Promise<Answer> => {
      schemes = schemes.slice(1);
      return asked();
    };
    const answer = await asked().then(
      (first) => (schemes[1] === "https" && wantsTls(first) ? askNext() : first),
      (error: unknown) => (schemes[1] === "http" || (schemes.length > 1 && isOffline(error)) ? askNext() : Promise.reject(error)),
    );
    schemes = schemes.slice(0, 1);
    if (answer.status !== 401 || authorization !== undefined) return answer;
    const header = answer.headers["www-authenticate"];
    if (header === undefined) return answer;
    login = await findLogin({ host: query.host, registry: host, repository: name, ...(authFile !== undefined && { authFile }) });
    authorization = await authorize({ header, repository: name, shown: where, login, ask, plainFor: (its) => (plain && schemes[0] === "http" && (insecure === true || isLoopback(its))) || (!tlsVerify && its === host) });
    return asked();
  }

  async function fetchDocument(what: string, where: string): Promise<Answer> {
    const answer = await get(what, where);
    if (answer.status === 200) return answer;
    if (isPage(answer)) throw fault("bad-image", `${host} is no registry: it answered ${answer.status} with a web page`, "Check the name; a proxy or a login page may also have answered in its place.");
    throw refusal(answer, where, login);
  }

  function headers(): Readonly<Record<string, string>> | undefined {
    return authorization === undefined ? undefined : { authorization };
  }

  return {
    shown, headers,
    locate: (its) => `${base()}/blobs/${digestText(its)}`,

    async root() {
      const { text, headers } = await fetchDocument(digest ? digestText(digest) : tag, shown);
      const its = digest ?? readDigest(headers["docker-content-digest"] ?? "");
      if (its) checkText(text, its, shown);
      return parseDocument(text, shown, headers["content-type"]);
    },

    async follow({ digest: named, mediaType }: Descriptor) {
      const its = needDigest(named, shown);
      const where = `docker://${host}/${name}@${named}`;
      const { text } = await fetchDocument(named, where);
      checkText(text, its, where);
      return parseDocument(text, where, mediaType);
    },
  };
}

/** What was kept of a registry, for those that fetch nothing, was kept under the address that it answered at. */
function isOffline(error: unknown): boolean {
  return isMachineError(error) && error.code === "offline";
}

/** Go's and nginx's answer to plain http at a port for https. */
function wantsTls({ status, text }: Answer): boolean {
  return status === 400 && /\bHTTPS (server|port)\b/.test(text);
}

function isPage({ headers, text }: Answer): boolean {
  return /^text\/html\b/i.test(headers["content-type"] ?? "") || /^\s*<(?:!doctype|html)\b/i.test(text);
}

function refusal(answer: Answer, where: string, login: Login | undefined): Error {
  switch (answer.status) {
    case 401:
    case 403: return denied(where, login);
    case 404: return fault("not-found", `the registry has no ${where}${reasonOf(answer)}`, "Check its name and its tag.");
    case 429: return fault("download", `${where} could not be fetched: the registry gives no more for now${reasonOf(answer)}`, "Wait a while, or log in by `podman login` or `docker login`: known users may fetch more.");
    default: return fault("download", `${where} could not be fetched: the registry answered ${answer.status}${reasonOf(answer)}`, "Try again later.");
  }
}

/** What a registry says in its own words (distribution-spec, spec.md, "Error codes"). */
function reasonOf({ text }: Answer): string {
  const read = readObject(text);
  const list: unknown = "object" in read ? read.object["errors"] : undefined;
  const code: unknown = Array.isArray(list) ? (list[0] as { readonly code?: unknown } | null | undefined)?.code : undefined;
  return typeof code === "string" && /^[A-Z_]{1,40}$/.test(code) ? ` (${code})` : "";
}

import { readObject, type Answer, type ImageQuery } from "glowplug";
import { readChallenges } from "./challenge.ts";
import type { Login } from "./credentials.ts";
import { fault } from "./fault.ts";

/** What a registry wants to be told, and by whom. */
export interface Request {
  /** Of the answer 401. */
  readonly header: string;
  readonly repository: string;
  /** What is asked for, for messages. */
  readonly shown: string;
  /** Whether the token service at a host may be asked by plain http. */
  plainFor(host: string): boolean;
  readonly login: Login | undefined;
  readonly ask: ImageQuery["ask"];
}

/**
 * The value of Authorization that a registry asks for: a token of the service that it names (distribution, spec/auth/token.md),
 * with the user's name and password or without, or those themselves. Throws MachineError "download" where there is no way in.
 */
export async function authorize(request: Request): Promise<string> {
  const { header, shown, login } = request;
  const challenges = readChallenges(header);
  const bearer = challenges.find(({ scheme }) => scheme === "bearer");
  if (bearer) return `Bearer ${await fetchToken(bearer.parameters, request)}`;
  if (!challenges.some(({ scheme }) => scheme === "basic")) {
    throw fault("download", `${shown} could not be fetched: the registry wants to know who asks by ${challenges.map(({ scheme }) => scheme).join(", ") || "no means that it names"}`, "A token service (Bearer) and a password (Basic) are understood.");
  }
  if (!login) throw denied(shown, undefined);
  return basic(login);
}

async function fetchToken(parameters: ReadonlyMap<string, string>, { repository, shown, login, ask, plainFor }: Request): Promise<string> {
  const [realm = "", service, scope = ""] = ["realm", "service", "scope"].map((name) => parameters.get(name));
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (!url || !(url.protocol === "https:" || (url.protocol === "http:" && plainFor(url.host)))) {
    throw fault("download", `${shown} could not be fetched: the registry names ${JSON.stringify(realm)} as its token service, which is no https address`, "Tell who runs the registry.");
  }
  if (service !== undefined) url.searchParams.set("service", service);
  for (const one of scope.split(" ").filter(Boolean)) url.searchParams.append("scope", one);
  if (!url.searchParams.has("scope")) url.searchParams.set("scope", `repository:${repository}:pull`);
  const answer = await ask(url.href, { ...(login && { headers: { authorization: basic(login) } }), keep: false });
  if (answer.status === 401 || answer.status === 403) throw denied(shown, login);
  const token = answer.status === 200 ? tokenIn(answer) : undefined;
  if (token !== undefined) return token;
  throw fault("download", `${shown} could not be fetched: the token service at ${url.origin}${url.pathname} answered ${answer.status} without a token`, "Try again later, or tell who runs the registry.");
}

/** Either name will do; only what may stand in a header is taken (RFC 6750, 2.1). */
function tokenIn({ text }: Answer): string | undefined {
  const read = readObject(text);
  if ("found" in read) return undefined;
  return [read.object["token"], read.object["access_token"]].find((value): value is string => typeof value === "string" && /^[\w.~+/-]+=*$/.test(value));
}

function basic({ user, password }: Login): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

/** Registries also say so of an image that is not there, so as not to tell what is. */
export function denied(shown: string, login: Login | undefined): Error {
  const who = login ? `not to ${JSON.stringify(login.user)}, as ${login.from} has it` : "and nobody is logged in there";
  return fault("download", `${shown} could not be fetched: the registry does not give it to everybody, ${who}`, "Check the name; if it is right, `podman login` or `docker login` opens a private registry, or name a file of theirs as authFile.");
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, readObject, type HostFacts } from "glowplug";
import { fault } from "./fault.ts";

/** A user's name and password for a registry. */
export interface Login {
  readonly user: string;
  readonly password: string;
  /** The file that has it, for messages. */
  readonly from: string;
}

/** What is looked for, and where. */
export interface LoginQuery {
  readonly host: HostFacts;
  /** Of the registry: "docker.io". */
  readonly registry: string;
  /** Of the repository. */
  readonly repository: string;
  /** Looked into instead of the usual files. Absolute. */
  readonly authFile?: string;
}

/**
 * Who `podman login` or `docker login` says the user is (containers-auth.json(5)): the entry for the repository, for what it is in, or
 * for the registry, in the first file that has one; a helper that the file names comes before its entries. Undefined where nobody
 * logged in, and for a plan for another host. Throws MachineError "bad-config" for a file that is none, "not-found" for an authFile that is not there.
 */
export async function findLogin(query: LoginQuery): Promise<Login | undefined> {
  const { host, authFile } = query;
  if (!host.local) return undefined;
  for (const path of authFile === undefined ? usualFiles(host) : [authFile]) {
    const config = readConfig(path, authFile !== undefined);
    const login = config && ((await loginOfHelper(config, path, query)) ?? loginOfEntry(config, path, query));
    if (login) return login;
  }
  return undefined;
}

/** In podman's order; docker's own comes last. A runtime folder elsewhere than usual is not known here. */
function usualFiles({ os, home, uid }: HostFacts): readonly string[] {
  const runtime = os === "linux" ? [`/run/user/${uid}/containers/auth.json`, `/run/containers/${uid}/auth.json`] : [];
  return [...runtime, join(home, ".config/containers/auth.json"), join(home, ".docker/config.json")];
}

type Config = Readonly<Record<string, unknown>>;

function readConfig(path: string, mustBe: boolean): Config | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (!mustBe) return undefined; // not there, or not for this user
    throw fault("not-found", `the authFile ${path} cannot be read`, "Name a file that `podman login --authfile` wrote.", cause);
  }
  const read = readObject(text);
  if ("object" in read) return read.object;
  throw fault("bad-config", `${path} holds no logins: expected a JSON object, found ${mustBe ? read.found : "something else"}`, "Write it anew by `podman login` or `docker login`.");
}

/** Docker's programs that keep passwords: they are told a registry and answer { Username, Secret } (github.com/docker/docker-credential-helpers). */
async function loginOfHelper(config: Config, path: string, { host, registry }: LoginQuery): Promise<Login | undefined> {
  const own = isObject(config["credHelpers"]) ? config["credHelpers"][registry] : undefined;
  const helper = own ?? config["credsStore"];
  if (typeof helper !== "string" || !/^[\w.-]+$/.test(helper)) return undefined;
  const program = host.find(`docker-credential-${helper}`);
  if (program === undefined) return undefined;
  const { exitCode, stdout } = await host.probe(program, ["get"], { input: registry === "docker.io" ? "https://index.docker.io/v1/" : registry });
  const read = readObject(stdout);
  if (exitCode !== 0 || "found" in read) return undefined; // it has none
  return loginOf(read.object["Username"], read.object["Secret"], path);
}

function loginOfEntry(config: Config, path: string, { registry, repository }: LoginQuery): Login | undefined {
  if (!isObject(config["auths"])) return undefined;
  const entries = new Map(Object.entries(config["auths"]).map(([key, entry]) => [plainKey(key), entry]));
  const parts = [registry, ...repository.split("/")];
  for (let count = parts.length; count > 0; count -= 1) {
    const entry = entries.get(parts.slice(0, count).join("/"));
    if (!isObject(entry) || typeof entry["auth"] !== "string") continue;
    const [user, ...password] = Buffer.from(entry["auth"], "base64").toString("utf8").split(":");
    const login = loginOf(user, password.join(":"), path);
    if (login) return login;
  }
  return undefined;
}

/** Docker writes whole addresses, "https://index.docker.io/v1/"; podman "docker.io" and paths below it. */
function plainKey(key: string): string {
  const plain = /^https?:\/\//.test(key) ? key.replace(/^https?:\/\//, "").replace(/\/.*$/s, "") : key;
  return plain.replace(/^(?:index\.|registry-1\.)docker\.io(?=$|\/)/, "docker.io");
}

/** The user "<token>" is an identity token, which no password is. */
function loginOf(user: unknown, password: unknown, from: string): Login | undefined {
  return typeof user === "string" && typeof password === "string" && user !== "" && user !== "<token>" && password !== "" ? { user, password, from } : undefined;
}

import { digestText, readDigest, type Digest } from "glowplug";
import { fault } from "./fault.ts";

/** An image of a registry. */
export interface Reference {
  /** Of the registry, with its port: "quay.io", "127.0.0.1:5000". */
  readonly host: string;
  /** Of the repository: "podman/machine-os". */
  readonly name: string;
  readonly tag: string;
  /** Wins over the tag. */
  readonly digest?: Digest;
  /** As people write it: "quay.io/podman/machine-os:5.6". */
  readonly shown: string;
}

/** Parts as github.com/distribution/reference has them. */
const hostForm = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;
const nameForm = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^\w[\w.-]{0,127}$/;

/**
 * Reads "docker://HOST[:PORT]/NAME[:TAG][@DIGEST]". As docker and podman have it, a first part that is no host's name belongs to the
 * name, which then is Docker Hub's, and a name of one part is in "library". Default of the tag: "latest". Throws MachineError "bad-image".
 */
export function parseReference(address: string): Reference {
  const wrong = (problem: string): Error => fault("bad-image", `${JSON.stringify(address)} is no image of a registry: ${problem}`, "Write docker://HOST/NAME:TAG, as in docker://quay.io/podman/machine-os:5.6.");
  if (!address.startsWith("docker://")) throw wrong('expected "docker://" at its start');
  const [tagged = "", digestPart, ...rest] = address.slice("docker://".length).split("@");
  const digest = digestPart === undefined ? undefined : readDigest(digestPart);
  if (rest.length > 0 || (digestPart !== undefined && !digest)) throw wrong("after the @ expected sha256: or sha512: and its lower-case hexadecimal digits");
  const [, path = "", tag] = /^(.*?)(?::([^:/]*))?$/s.exec(tagged) ?? [];
  if (tag !== undefined && !tagForm.test(tag)) throw wrong(`${JSON.stringify(tag)} is no tag`);
  const [first = "", ...others] = path.split("/");
  const isHost = others.length > 0 && (/[.:[]/.test(first) || first === "localhost");
  const host = !isHost || first === "index.docker.io" ? "docker.io" : first;
  const plain = isHost ? others.join("/") : path;
  const name = host === "docker.io" && !plain.includes("/") ? `library/${plain}` : plain;
  if (!hostForm.test(host)) throw wrong(`${JSON.stringify(host)} is no host`);
  if (!nameForm.test(name)) throw wrong(`${JSON.stringify(plain)} is no name of an image`);
  const shownTag = tag === undefined && digest ? "" : `:${tag ?? "latest"}`;
  return { host, name, tag: tag ?? "latest", ...(digest && { digest }), shown: `${host}/${name}${shownTag}${digest ? `@${digestText(digest)}` : ""}` };
}

/** Whether a host is this one: a registry there may speak plain http, as docker and podman have it. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(host);
}

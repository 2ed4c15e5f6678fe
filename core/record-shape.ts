import { isObject } from "./json.ts";

/** What is expected instead of a value; undefined where it is right. */
type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === "string" && value !== "" ? undefined : "a text");
const path: Check = (value) => (typeof value === "string" && value.startsWith("/") ? undefined : "an absolute path");
const count: Check = (value) => (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? undefined : "a whole number");
const port: Check = (value) => (typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65536 ? undefined : "a port number");
const flag: Check = (value) => (typeof value === "boolean" ? undefined : "true or false");
const object: Check = (value) => (isObject(value) ? undefined : "an object");
const date: Check = (value) => (typeof value === "string" && !Number.isNaN(Date.parse(value)) ? undefined : "a date");
const dateOrNull: Check = (value) => (value === null ? undefined : date(value));
const oneOf = (...words: readonly string[]): Check => (value) => (typeof value === "string" && words.includes(value) ? undefined : words.join(" or "));
const maybe = (check: Check): Check => (value) => (value === undefined ? undefined : check(value));
const listOf = (check: Check, of: string): Check => (value) => (Array.isArray(value) && value.every((one) => check(one) === undefined) ? undefined : `a list of ${of}`);
const fields = (checks: Readonly<Record<string, Check>>, what: string): Check => (value) => (isObject(value) && Object.entries(checks).every(([field, check]) => check(value[field]) === undefined) ? undefined : what);

const texts = listOf((value) => (typeof value === "string" ? undefined : "a text"), "texts");
const command = fields({ name: text, program: text, argv: texts, cwd: maybe(path), env: maybe(object) }, "a command");
const connection = fields({ path, format: oneOf("json", "conf"), name: text, identity: path }, "a connection");
const undo: Check = (value) => (fields({ title: text, command }, "")(value) === undefined ? undefined : fields({ title: text, connection }, "an undo")(value));
const ports = listOf(fields({ host: text, hostPort: port, guestPort: port, protocol: oneOf("tcp", "udp") }, "a port"), "ports");

/** What every verb relies on. */
const required: Readonly<Record<string, Check>> = {
  name: text, created: date, lastUp: dateOrNull, overrides: object, undo: listOf(undo, "commands and connections"), mac: text,
  lan: maybe(fields({ network: text, mac: text, address: text }, "a place on a network")),
  "spec.name": text, "spec.script": maybe(path), "spec.cpus": count, "spec.memory": count, "spec.disk": count, "spec.swap": count,
  "spec.ports": ports, "spec.guestPorts": maybe(oneOf("any", "loopback", "none")), "spec.sockets": listOf(fields({ host: text, guest: path, user: maybe(text), probe: maybe(text), publish: maybe(flag) }, "a socket"), "sockets"),
  "spec.volumes": listOf(fields({ source: text, target: path, readOnly: flag }, "a volume"), "volumes"),
  "spec.files": listOf(fields({ path }, "a file"), "files"), "spec.units": listOf(fields({ name: text }, "a unit"), "units"),
  "spec.packages": texts, "spec.run": texts, "spec.usb": texts, "spec.plugins": texts,
  "spec.restart": oneOf("never", "on-failure", "always"), "spec.importNativeCa": flag, "spec.network": maybe(text), "spec.rootful": flag, "spec.podman": flag, "spec.proxy": flag, "spec.user": text, "spec.timezone": text,
  "spec.image": text, "spec.provisioner": text, "spec.launcher": text, "spec.forwarder": text,
  "image.source": text, "image.title": text, "image.id": text, "image.path": path, "image.format": oneOf("qcow2", "raw"), "image.virtualSize": count,
  "disk.path": path, "disk.format": oneOf("qcow2", "raw"),
  "seed.kind": text, "seed.path": path, firstBoot: oneOf("ignition", "cloud-init"),
  "ssh.port": port, "ssh.user": text, "ssh.uid": count, "ssh.keyFile": path, "ssh.hostKey": (value) => (typeof value === "string" ? undefined : "a text"), readyByLogin: maybe(flag),
  "folders.data": path, "folders.runtime": path,
};

/** What only informs: where it is not as expected, the machine is as good without it. Each with what takes its place. */
const informing: Readonly<Record<string, { readonly check: Check; readonly instead: unknown }>> = {
  "image.origin": { check: (value) => (typeof value === "string" ? undefined : "a text"), instead: "" },
  "image.release": { check: maybe(text), instead: undefined },
  "image.verified": { check: listOf(fields({ what: text, digest: maybe(fields({ algorithm: text, hex: text }, "a digest")), by: maybe(text) }, "a verification"), "verifications"), instead: [] },
  "spec.sources": { check: object, instead: {} },
  last: {
    check: maybe(fields({
      accelerator: text, accelerators: listOf(fields({ name: text, usable: flag, reason: maybe(text) }, "an accelerator"), "accelerators"), notes: texts, ports,
    }, "the facts of a start")), instead: undefined,
  },
};

/** Every field of a record that is not as the verbs need it, in words. */
export function problemsOf(record: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(required).flatMap(([field, check]) => {
    const value = valueAt(record, field);
    const expected = check(value);
    return expected === undefined ? [] : [`${field} is ${value === undefined ? "missing" : excerpt(value)}, expected ${expected}`];
  });
}

/** The record without what only informs and is not as expected. */
export function withoutNonsense(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.entries(informing).reduce((now, [field, { check, instead }]) => (check(valueAt(now, field)) === undefined ? now : withValue(now, field.split("."), instead)), record);
}

function valueAt(value: unknown, field: string): unknown {
  return field.split(".").reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}

function withValue(object: Readonly<Record<string, unknown>>, [key = "", ...rest]: readonly string[], value: unknown): Readonly<Record<string, unknown>> {
  const { [key]: before, ...others } = object;
  if (rest.length > 0) return { ...others, [key]: withValue(isObject(before) ? before : {}, rest, value) };
  return value === undefined ? others : { ...others, [key]: value };
}

function excerpt(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}

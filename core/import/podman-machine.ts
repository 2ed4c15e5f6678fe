import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { codeOf, diskError } from "../atomic.ts";
import { MachineError } from "../errors.ts";
import { isObject, readObject } from "../json.ts";
import type { Share } from "../model.ts";
import type { Paths } from "../paths.ts";
import { didYouMean } from "../suggest.ts";

/** A machine that podman machine made, in our words. */
export interface PodmanMachine {
  readonly name: string;
  /** podman's word: qemu, applehv, libkrun. */
  readonly provider: string;
  /** Its record's file. */
  readonly record: string;
  readonly cpus: number;
  /** MiB. */
  readonly memory: number;
  /** GiB. */
  readonly disk: number;
  readonly image: string;
  /** The first-boot config; podman hands it over at every boot. */
  readonly ignition: string;
  readonly ssh: { readonly port: number; readonly user: string; readonly uid: number; readonly keyFile: string };
  readonly rootful: boolean;
  readonly volumes: readonly Required<Share>[];
  /** ISO 8601; undefined for one that never ran. */
  readonly lastUp?: string;
}

/** The machine of that name, of whatever provider. Throws MachineError "no-machine" naming those that are there, "bad-config" for a record that cannot be read. */
export function findPodmanMachine(name: string, { podman }: Pick<Paths, "podman">): PodmanMachine {
  const files = foldersIn(podman.machineConfig).flatMap((provider) => recordsIn(join(podman.machineConfig, provider)).map((file) => ({ provider, file })));
  const found = files.find(({ file }) => basename(file, ".json") === name);
  if (found) return readPodmanMachine(readFileSync(found.file, "utf8"), found.provider, found.file);
  const names = files.map(({ file }) => basename(file, ".json"));
  throw new MachineError("no-machine", `podman machine has no machine ${JSON.stringify(name)}${didYouMean(name, names)}`, {
    hint: names.length === 0 ? `There is none at all in ${podman.machineConfig}.` : `It has ${names.join(", ")}.`,
  });
}

/**
 * A record of podman machine: of podman 4 (pkg/machine/qemu/config.go, flat fields beside a CmdLine) or of podman 5
 * (pkg/machine/vmconfigs/config.go). Throws MachineError "bad-config" with every field that is not as expected.
 */
export function readPodmanMachine(text: string, provider: string, file: string): PodmanMachine {
  const read = readObject(text);
  if (!("object" in read)) throw damaged(file, [`expected an object, found ${read.found}`]);
  const problems: string[] = [];
  const at = (path: string): unknown => path.split(".").reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), read.object);
  const count = (...paths: string[]): number => {
    const value = paths.map(at).find((one) => one !== undefined);
    if (Number.isSafeInteger(value) && Number(value) > 0) return Number(value);
    problems.push(`${paths[0]}: expected a whole number`);
    return 0;
  };
  const word = (...paths: string[]): string => {
    const value = paths.map(at).map((one) => (isObject(one) ? one["Path"] : one)).find((one) => one !== undefined);
    if (typeof value === "string" && value !== "") return value;
    problems.push(`${paths[0]}: expected a text`);
    return "";
  };
  const created = at("Created");
  const lastUp = at("LastUp");
  const machine: PodmanMachine = {
    name: word("Name"), provider, record: file,
    cpus: count("Resources.CPUs", "CPUs"), memory: count("Resources.Memory", "Memory"), disk: count("Resources.DiskSize", "DiskSize"),
    image: word("ImagePath"), ignition: file.replace(/\.json$/, ".ign"),
    ssh: { port: count("SSH.Port", "Port"), user: word("SSH.RemoteUsername", "RemoteUsername"), uid: count("HostUser.UID", "UID"), keyFile: word("SSH.IdentityPath", "IdentityPath") },
    rootful: (at("HostUser.Rootful") ?? at("Rootful")) === true,
    volumes: mountsIn(at("Mounts")),
    // podman 4 writes the time of its making until it ran, podman 5 Go's zero.
    ...(typeof lastUp === "string" && lastUp !== created && !lastUp.startsWith("0001-") && { lastUp }),
  };
  if (problems.length > 0) throw damaged(file, problems);
  return machine;
}

function mountsIn(value: unknown): readonly Required<Share>[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).flatMap(({ Source, Target, ReadOnly }) => (typeof Source === "string" && typeof Target === "string" ? [{ source: Source, target: Target, readOnly: ReadOnly === true }] : []));
}

function foldersIn(folder: string): readonly string[] {
  return entriesIn(folder).filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function recordsIn(folder: string): readonly string[] {
  return entriesIn(folder).filter((entry) => entry.isFile() && entry.name.endsWith(".json")).map(({ name }) => join(folder, name));
}

function entriesIn(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return [];
    throw diskError(`${folder} could not be read`, cause);
  }
}

function damaged(file: string, problems: readonly string[]): MachineError {
  return new MachineError("bad-config", `podman's record ${file} cannot be read: ${problems[0]}`, { ...(problems.length > 1 && { details: problems }), hint: "Only machines of podman 4 and 5 can be taken over." });
}

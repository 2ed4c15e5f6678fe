import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { lockHolder } from "../../../core/lock-holder.ts";
import { filesBelow, processesOf } from "../world.ts";
import type { CrashWorld } from "./crash-world.ts";

/** Every file that may be there while a machine is stopped, by its path below the world. `docs/on-disk.md` tells what each is. */
const ofMachine = /^data\/glowplug\/machines\/box\/(machine\.json(\.copy)?|ended\.json|disk\.qcow2|ignition\.json|id_ed25519(\.pub)?|known_hosts|ssh_config|logs\/(serial|vm|forwarder|keeper)\.log(\.1)?|logs\/events\.jsonl(\.1)?)$/;
const ofAll = [
  /^data\/glowplug\/ports\.json$/,
  /^images\/[0-9a-f]{64}\/(disk\.(raw|qcow2)|image\.json)$/,
  /^cache\/glowplug\/(accelerators\.json|texts\/.*)$/,
  /^(bin|work|guest|kept|config)\//, /^steps\.jsonl(\.pid)?$/,
];
/** What a killed process may leave until the next one needs that place: it holds nothing, and hinders nobody. */
const dead = [
  // Beside a record it says nothing, and goes with the next verb that changes the machine; without one the folder is told.
  /^data\/glowplug\/machines\/box\/unfinished\.json$/,
  /^(data\/glowplug|images)\/locks\/[^/]+$/, /^images\/uses\/[^/]+$/, /^data\/glowplug\/\.ports\.json\.\d+-[0-9a-f]{8}\.tmp$/, /^images\/incoming\/[0-9a-f]{12}\//, /^images\/\.?[^/]*\.tmp$/,
];

/** What is to be there. */
export interface Expectation {
  readonly machine: boolean;
  /** Whether a guest has written to its disk. */
  readonly data?: boolean;
  /** Also nothing of a dead process: other verbs have needed every place since. */
  readonly swept?: boolean;
}

/** Everything that should not be there, in words. Nothing is to run. */
export async function faultsOf(world: CrashWorld, { machine, data = false, swept = false }: Expectation): Promise<readonly string[]> {
  const files = filesBelow(world.folder).map((path) => relative(world.folder, path));
  const allowed = [...ofAll, ...(machine ? [ofMachine] : []), ...(swept ? [] : dead)];
  const held = filesBelow(join(world.folder, "data/glowplug/locks")).filter((path) => lockHolder(path) !== undefined);
  const ports = [world.port, ...(world.sshPort === undefined ? [] : [world.sshPort])];
  const taken = await Promise.all(ports.map(async (port) => ((await canListen(port)) ? [] : [`port ${port} is held`])));
  return [
    ...processesOf(world.folder).map((line) => `a process runs: ${line}`),
    ...files.filter((path) => !allowed.some((one) => one.test(path))).map((path) => `a file is left: ${path}`),
    ...emptyFolders(world).map((path) => `a folder is left: ${path}`),
    ...held.map((path) => `a lock is held: ${path}`),
    ...taken.flat(),
    ...(data && !world.hasGuestData ? ["the guest's data is lost"] : []),
    ...(machine ? recordFaults(world) : connectionFaults(world)),
  ];
}

/** Folders of machines that are no more. */
function emptyFolders(world: CrashWorld): readonly string[] {
  const machines = join(world.folder, "data/glowplug/machines");
  const gone = (name: string): boolean => !filesBelow(machines).includes(join(machines, name, "machine.json"));
  const data = listed(machines).filter(gone).map((name) => join("machines", name));
  return [...data, ...listed(world.runtime).map((name) => join("run", name))];
}

function recordFaults(world: CrashWorld): readonly string[] {
  const folder = join(world.folder, "data/glowplug/machines/box");
  const [record, copy] = ["machine.json", "machine.json.copy"].map((name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : undefined));
  if (copy === undefined && world.mayLackCopy) return [];
  return record === copy ? [] : ["the record and its copy differ"];
}

/** Files of podman's that name a machine which is no more. */
function connectionFaults(world: CrashWorld): readonly string[] {
  const paths = filesBelow(join(world.folder, "config")).filter((path) => /\bbox\b/.test(readFileSync(path, "utf8")));
  return paths.map((path) => `still names the machine: ${path}`);
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

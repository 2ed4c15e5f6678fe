import { isAbsolute, join } from "node:path";
import { MachineError } from "./errors.ts";
import { podmanPaths, type PodmanPaths } from "./podman-paths.ts";

/** What paths are made from. Read from the process in `pathsOfProcess` alone. */
export interface PathFacts {
  readonly os: "linux" | "darwin";
  readonly uid: number;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a folder is there and ours; decides between runtime folders. */
  isOwned(folder: string): boolean;
}

/** Every folder that glowplug uses, and the only place where their names are made. `docs/on-disk.md` explains each. */
export interface Paths {
  readonly data: string;
  readonly cache: string;
  readonly config: string;
  readonly runtime: string;
  /** The image store. GLOWPLUG_STORE names another. */
  readonly store: string;
  /** Programs that set-up put there. */
  readonly tools: string;
  /** Downloads that are under way or broke off: in the store, so that a file that needs no unpacking is moved to its place. */
  readonly partial: string;
  readonly machines: string;
  /** podman's folder of sockets, where its machine events are listened for. */
  readonly podmanRuntime: string;
  /** Files of podman's. */
  readonly podman: PodmanPaths;
  machine(name: string): MachinePaths;
}

/** Every file of one machine. */
export interface MachinePaths {
  readonly data: string;
  readonly runtime: string;
  readonly record: string;
  /** The same text once more. */
  readonly recordCopy: string;
  /** What a killed init or rm leaves to whoever comes next. */
  readonly unfinished: string;
  readonly lock: string;
  readonly disk: string;
  readonly ignition: string;
  readonly nocloud: string;
  readonly key: string;
  readonly publicKey: string;
  readonly hostKey: string;
  /** Who is let in by the guest of a disk that outlived its machine. */
  readonly access: string;
  readonly knownHosts: string;
  readonly sshConfig: string;
  readonly logs: string;
  log(name: "serial" | "keeper" | "forwarder" | "vm" | "events"): string;
  readonly keeperSocket: string;
  readonly keeperPlan: string;
  /** What is still to be done once the machine is up. */
  readonly startBegun: string;
  readonly keeperProcess: string;
  readonly children: string;
  readonly apiSocket: string;
  /** For the VM's card on the shared network. */
  readonly lanCard: string;
  /** For the keepers of the other machines on it. */
  readonly lanOwn: string;
}

/** Unix socket paths have room for 104 bytes on macOS and 108 on Linux, with their closing zero (sys/un.h). */
export const socketPathLimit = 103;

/** Lays out the folders. Pure but for `isOwned` and `home`. Throws what `home` throws, and MachineError "bad-config" for a store of no absolute path. */
export function createPaths(facts: PathFacts): Paths {
  const { env, os, uid } = facts;
  /** The user's home is asked for where it is needed alone: some have none. */
  const xdg = (variable: string, fallback: string): string => {
    const value = env[variable];
    return join(value?.startsWith("/") ? value : join(facts.home, fallback), "glowplug");
  };
  const mac = os === "darwin";
  const data = xdg("XDG_DATA_HOME", mac ? "Library/Application Support" : ".local/share");
  const cache = xdg("XDG_CACHE_HOME", mac ? "Library/Caches" : ".cache");
  const config = xdg("XDG_CONFIG_HOME", ".config");
  const runtime = runtimeFolder(facts, data);
  const store = storeFolder(env["GLOWPLUG_STORE"] || join(data, "images"));
  const machines = join(data, "machines");
  return {
    data, cache, config, runtime, store, machines, tools: join(data, "tools"), partial: join(store, "partial"), podmanRuntime: join(podmanFolder(), "podman"),
    podman: podmanPaths(facts),
    machine: (name) => machinePaths(join(machines, name), join(runtime, name), join(data, "locks", name)),
  };

  /** As podman finds it: by the variable, else where the system puts it (its pkg/machine/env). */
  function podmanFolder(): string {
    const named = env["XDG_RUNTIME_DIR"];
    if (named?.startsWith("/")) return named;
    return mac ? env["TMPDIR"] ?? "/tmp" : uid === 0 ? "/run" : `/run/user/${uid}`;
  }

  function runtimeFolder({ isOwned }: PathFacts, dataFolder: string): string {
    const named = env["XDG_RUNTIME_DIR"];
    if (named?.startsWith("/")) return join(named, "glowplug");
    if (mac) return join(env["TMPDIR"] ?? "/tmp", "glowplug");
    if (uid === 0) return "/run/glowplug";
    return isOwned(`/run/user/${uid}`) ? `/run/user/${uid}/glowplug` : join(dataFolder, "run");
  }
}

/** Machines' records name what lies in it. */
function storeFolder(path: string): string {
  if (isAbsolute(path)) return path;
  throw new MachineError("bad-config", `GLOWPLUG_STORE is ${JSON.stringify(path)}, expected an absolute path`, { hint: "Write the whole path, from the slash on." });
}

function machinePaths(data: string, runtime: string, lock: string): MachinePaths {
  const logs = join(data, "logs");
  return {
    data, runtime, logs,
    record: join(data, "machine.json"), recordCopy: join(data, "machine.json.copy"), unfinished: join(data, "unfinished.json"), lock, disk: join(data, "disk.qcow2"),
    ignition: join(data, "ignition.json"), nocloud: join(data, "seed.iso"),
    key: join(data, "id_ed25519"), publicKey: join(data, "id_ed25519.pub"), hostKey: join(data, "host_ed25519"), access: join(data, "access.json"),
    knownHosts: join(data, "known_hosts"), sshConfig: join(data, "ssh_config"),
    log: (name) => join(logs, name === "events" ? "events.jsonl" : `${name}.log`),
    keeperSocket: join(runtime, "keeper.sock"), keeperPlan: join(runtime, "plan.json"), startBegun: join(runtime, "start.json"), keeperProcess: join(runtime, "keeper.json"), children: join(runtime, "children.json"),
    apiSocket: join(runtime, "podman.sock"), lanCard: join(runtime, "lan.sock"), lanOwn: join(runtime, "lan-own.sock"),
  };
}

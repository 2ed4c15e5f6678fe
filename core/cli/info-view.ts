import { defaultConnection, leadsTo } from "../connections/default.ts";
import type { Status } from "../machine.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { defaults } from "../spec/defaults.ts";
import { launcherOfProvider } from "../spec/provider.ts";
import { version } from "../version.ts";
import { podmanState } from "./machine-view.ts";

/** podman's words for processors, which are Go's. */
export function goArch(arch: string): string {
  return ({ x86_64: "amd64", aarch64: "arm64" } as Readonly<Record<string, string>>)[arch] ?? arch;
}

/** podman's two parts of `info`, under its keys: the host and its machines, and the program. What has no counterpart here is empty. */
export function infoView(machines: readonly { readonly record: MachineRecord; readonly status: Status }[], { host, paths, env }: Pick<Run, "host" | "paths" | "env">): object {
  const connection = defaultConnection(paths);
  const states = machines.map(({ record: { name }, status }) => ({ name, state: podmanState(status.state) }));
  const current = states.find(({ state }) => state === "running") ?? states.find(({ state }) => state === "starting");
  const chosen = states.find(({ name }) => leadsTo(connection, name))?.name ?? "";
  const arch = goArch(host.arch);
  return {
    Host: {
      Arch: arch,
      CurrentMachine: current?.name ?? chosen,
      DefaultMachine: chosen,
      EventsDir: paths.podmanRuntime,
      MachineConfigDir: paths.machines,
      MachineImageDir: paths.store,
      MachineState: machines.length === 0 ? "" : current === undefined ? "Stopped" : current.state === "running" ? "Running" : "Starting",
      NumberOfMachines: machines.length,
      OS: host.os,
      VMType: launcherOfProvider(env["CONTAINERS_MACHINE_PROVIDER"] ?? "", "CONTAINERS_MACHINE_PROVIDER") ?? defaults.launcher,
    },
    Version: { APIVersion: version, Version: version, GoVersion: "", GitCommit: "", BuiltTime: "", Built: 0, OsArch: `${host.os}/${arch}`, Os: host.os, NodeVersion: process.version },
  };
}

/** The same with podman's keys of YAML, which are in lower case since podman 5. */
export function inLowerCase(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inLowerCase(inner)]));
}

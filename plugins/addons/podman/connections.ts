import { findVersion, type ConnectionRegistration, type HostFacts, type MachineInfo } from "glowplug";

/**
 * Connections for the host's own podman, NAME to the user's and NAME-root to root's. The one that the machine prefers is first,
 * since podman makes the first that it ever gets the default.
 */
export async function connections(machine: MachineInfo, host: HostFacts, apiPath: (rootful: boolean) => string): Promise<readonly ConnectionRegistration[]> {
  const format = await formatFor(host);
  const { host: address, port } = machine.ssh;
  return (machine.rootful ? [true, false] : [false, true]).map((rootful) => {
    const name = rootful ? `${machine.name}-root` : machine.name;
    return { kind: "connection", title: `podman connection ${name}`, name, uri: `ssh://${rootful ? "root" : machine.user}@${address}:${port}${apiPath(rootful)}`, format };
  });
}

/** Podman 5 gave connections a file of their own. Where none is installed, the one that will be is newer than that. */
async function formatFor(host: HostFacts): Promise<"json" | "conf"> {
  const program = host.find("podman") ?? host.find("podman-remote");
  if (program === undefined || !host.local) return "json";
  const { stdout } = await host.probe(program, ["--version"]).catch(() => ({ stdout: "" }));
  return Number.parseInt(findVersion(stdout) ?? "5", 10) < 5 ? "conf" : "json";
}

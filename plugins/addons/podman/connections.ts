import { findVersion, type ConnectionRegistration, type HostFacts, type MachineInfo } from "glowplug";
import { engineOf } from "./engines.ts";

/**
 * Connections for the host's own podman, NAME to the user's and NAME-root to root's. The one that the machine prefers is first,
 * since podman makes the first that it ever gets the default. They lead to sockets of the host and not to the guest's sshd: podman's
 * client checks no host key of a machine, so whoever has its port while it is stopped would be taken for it.
 */
export async function connections(machine: MachineInfo, host: HostFacts): Promise<readonly ConnectionRegistration[]> {
  const format = await formatFor(host);
  return (machine.rootful ? [true, false] : [false, true]).flatMap((rootful) => {
    const name = rootful ? `${machine.name}-root` : machine.name;
    const socket = engineOf(machine, rootful).host;
    return socket === undefined ? [] : [{ kind: "connection", title: `podman connection ${name}`, name, uri: `unix://${socket}`, format }];
  });
}

/** Podman 5 gave connections a file of their own. Where none is installed, the one that will be is newer than that. */
async function formatFor(host: HostFacts): Promise<"json" | "conf"> {
  const program = host.find("podman") ?? host.find("podman-remote");
  if (program === undefined || !host.local) return "json";
  const { stdout } = await host.probe(program, ["--version"]).catch(() => ({ stdout: "" }));
  return Number.parseInt(findVersion(stdout) ?? "5", 10) < 5 ? "conf" : "json";
}

import { join } from "node:path";
import { checkOptions, Command, MachineError, requireProgram, socketPath, type Forwarder, type HostFacts, type LinkKind, type NetInput, type NetLink, type NetPlan } from "glowplug";
import { findFence, unfenced } from "./gvproxy/fence.ts";

export interface GvproxyOptions {
  /** Further flags, as words: "-debug". It can write no file outside its own folder. Default: none. */
  readonly args?: readonly string[];
}

/**
 * Networks the VM through gvproxy (gvisor-tap-vsock), a network stack in a process of the user's. It gives the guest 192.168.127.2,
 * a gateway at .1 with DNS, and the host's loopback at .254, which it serves as host.containers.internal.
 * The guest's podman asks it at the gateway for its containers' ports, without a password; so does whoever else is in the guest.
 */
export default function gvproxy(options: GvproxyOptions = {}): Forwarder {
  checkOptions("gvproxy", options, ["args"]);
  return {
    name: "gvproxy",
    role: "forwarder",
    links: ["unix-stream", "unix-dgram"],
    runtimePorts: true,

    async check(host: HostFacts): Promise<void> {
      const program = findGvproxy(host);
      if (!host.local) return;
      // Old ones know no -version and say so; one that cannot run at all (built for a newer libc) says something else.
      const { exitCode, stderr } = await host.probe(program, ["-version"]);
      if (exitCode === 0 || /flag provided but not defined/.test(stderr)) return;
      throw new MachineError("missing-program", `${program} does not run: ${stderr.trim().split("\n").at(-1) ?? `exit status ${exitCode}`}`, {
        plugin: "gvproxy", hint: "Install one that is made for this system, or choose another forwarder.",
      });
    },

    async plan(input: NetInput): Promise<NetPlan> {
      const { host, folders, sshPort, guestPorts } = input;
      const folder = join(folders.runtime, "net");
      const link = linkTo(socketPath(join(folder, "vm.sock")), input.link);
      const api = socketPath(join(folder, "api.sock"));
      const program = findGvproxy(host);
      const fence = await findFence(host, folder, program);
      const command = new Command(fence?.program ?? program, { name: "gvproxy" });
      command.author = "gvproxy";
      for (const word of fence?.words ?? []) command.add(word);
      command.add(link.kind === "unix-dgram" ? "-listen-vfkit" : "-listen-qemu", `${link.kind === "unix-dgram" ? "unixgram" : "unix"}://${link.path}`);
      command.add("-listen", `unix://${api}`).add("-ssh-port", sshPort);
      for (const word of options.args ?? []) command.add(word);
      delete command.author;
      return {
        command, link, listens: [link.path, api],
        ssh: { host: "127.0.0.1", port: sshPort },
        expose: {
          kind: "http", socket: api, list: "/services/forwarder/all",
          add: { path: "/services/forwarder/expose", body: { local: "{host}:{hostPort}", remote: `${guestAddress}:{guestPort}`, protocol: "{protocol}" } },
          // As root it gives up the right to open these, lest a program in the guest opens them.
          ...(host.uid === 0 && { lowestPort: 1024 }),
          remove: { path: "/services/forwarder/unexpose", body: { local: "{host}:{hostPort}", protocol: "{protocol}" } },
        },
        openAtStart: [],
        guestOpensPorts: guestPorts !== "none",
        names: { "host.containers.internal": loopbackAddress, "host.docker.internal": loopbackAddress, "gateway.containers.internal": gatewayAddress, "gateway.docker.internal": gatewayAddress },
        notes: fence ? [] : [unfenced(host)],
      };
    },
  };
}

/** The address that gvproxy leases to its one fixed MAC, and forwards ssh to; any other MAC gets another (cmd/gvproxy/config.go). */
const guestAddress = "192.168.127.2";
/** Its own address, and the one that it leads to the host's loopback. Its DNS knows both by these names; the docker ones not in every version. */
const gatewayAddress = "192.168.127.1";
const loopbackAddress = "192.168.127.254";
const guestMac = "5a:94:ef:e4:0c:ee";

function findGvproxy(host: HostFacts): string {
  return requireProgram(host, "gvproxy", {
    plugin: "gvproxy",
    packages: { debian: "gvproxy", fedora: "gvisor-tap-vsock", arch: "gvisor-tap-vsock", suse: "gvisor-tap-vsock", alpine: "gvisor-tap-vsock", brew: "podman" },
    hint: "Or choose another forwarder.",
  });
}

function linkTo(path: string, kind: LinkKind): Exclude<NetLink, { kind: "user" }> {
  if (kind === "unix-stream" || kind === "unix-dgram") return { kind, path, mac: guestMac };
  throw new MachineError("slots-mismatch", `gvproxy offers no link of the kind ${kind}`, { plugin: "gvproxy" });
}

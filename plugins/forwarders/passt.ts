import { isIP } from "node:net";
import { join } from "node:path";
import { checkOptions, Command, MachineError, requireProgram, socketPath, type Forwarder, type HostFacts, type LinkKind, type NetInput, type NetPlan, type ResolvedPort } from "glowplug";

export interface PasstOptions {
  /** Further flags, as words: ["--mtu", "1500"]. Default: none. */
  readonly args?: readonly string[];
}

/**
 * Networks the VM through passt, which turns the guest's packets into sockets of the host: little copying, IPv6 where the host has
 * it, and a process that has given up every right but those sockets. The guest is 10.0.2.15, the host's loopback 10.0.2.2.
 * Ports of the spec are passt's; ports that come later are carried over ssh.
 */
export default function passt(options: PasstOptions = {}): Forwarder {
  checkOptions("passt", options, ["args"]);
  return {
    name: "passt",
    role: "forwarder",
    links: ["unix-stream"],
    runtimePorts: true,

    async check(host: HostFacts): Promise<void> {
      if (host.os !== "linux") throw new MachineError("unsupported-host", "passt runs on Linux alone", { plugin: "passt", hint: "Choose another forwarder." });
      const program = findPasst(host);
      if (!host.local) return;
      // Whether this system lets it build its sandbox shows when it starts; its own words are then in the error.
      const { exitCode, stderr } = await host.probe(program, ["--version"]);
      if (exitCode === 0) return;
      throw new MachineError("missing-program", `${program} does not run: ${stderr.trim().split("\n").at(-1) || `exit status ${exitCode}`}`, {
        plugin: "passt", hint: "Install one that is made for this system, or choose another forwarder.",
      });
    },

    plan(input: NetInput): NetPlan {
      const { host, mac, sshPort, ports } = input;
      const path = socketPath(join(socketFolder(input), "vm.sock"));
      const { early, late } = split([{ host: "127.0.0.1", hostPort: sshPort, guestPort: 22, protocol: "tcp" }, ...ports]);
      const command = new Command(findPasst(host), { name: "passt" });
      command.author = "passt";
      command.add("--foreground").add("--quiet");
      // As root it becomes "nobody", who may not enter the machine's folder. It gives up root's capabilities in any case.
      if (host.uid === 0) command.add("--runas", "0:0");
      command.add("--socket", path);
      // Fixed, so that the guest does not take the host's own address, which it then could not reach.
      command.add("--address", guestAddress).add("--netmask", "24").add("--gateway", hostAddress);
      for (const port of early) command.add(port.protocol === "udp" ? "--udp-ports" : "--tcp-ports", `${port.host}/${port.hostPort}:${port.guestPort}`);
      for (const word of options.args ?? []) command.add(word);
      delete command.author;
      return {
        command,
        link: { kind: streamLink(input.link), path, mac },
        listens: [path],
        ssh: { host: "127.0.0.1", port: sshPort },
        expose: { kind: "ssh" },
        openAtStart: ports.filter((port) => !late.includes(port)),
        guestOpensPorts: false,
        names: { "host.containers.internal": hostAddress, "host.docker.internal": hostAddress, "gateway.containers.internal": hostAddress, "gateway.docker.internal": hostAddress },
        notes: [],
      };
    },
  };
}

const guestAddress = "10.0.2.15";
/** passt leads what goes to the gateway's address to the host's loopback (passt(1), --no-map-gw). */
const hostAddress = "10.0.2.2";

function findPasst(host: HostFacts): string {
  return requireProgram(host, "passt", {
    plugin: "passt", packages: { debian: "passt", fedora: "passt", arch: "passt", suse: "passt", alpine: "passt" }, hint: "Or choose another forwarder.",
  });
}

function streamLink(kind: LinkKind): "unix-stream" {
  if (kind === "unix-stream") return kind;
  throw new MachineError("slots-mismatch", `passt offers no link of the kind ${kind}`, { plugin: "passt" });
}

/**
 * Where the AppArmor profile of Debian and Ubuntu is in force, passt may make files in the user's home and in /tmp, and not in the
 * folder for sockets (/etc/apparmor.d/usr.bin.passt). It takes a socket's place that an earlier one left behind.
 */
function socketFolder({ host, folders }: NetInput): string {
  const isConfined = host.local && ["/etc/apparmor.d/usr.bin.passt", "/sys/kernel/security/apparmor"].every((path) => host.firstFile([path]) !== undefined);
  return join(isConfined ? folders.data : folders.runtime, "net");
}

/** passt takes each port of the host once, whatever its address ("Overlapping port specifier"): a second address is carried over ssh. */
function split(ports: readonly ResolvedPort[]): { readonly early: readonly ResolvedPort[]; readonly late: readonly ResolvedPort[] } {
  const early: ResolvedPort[] = [];
  const late: ResolvedPort[] = [];
  for (const port of ports) {
    const { host, hostPort, protocol } = port;
    if (isIP(host) === 0) {
      throw new MachineError("bad-spec", `passt cannot listen on ${host} for port ${hostPort}: it takes addresses alone`, { plugin: "passt", hint: "Name an address of this host, or choose another forwarder." });
    }
    const isTaken = early.some((other) => other.hostPort === hostPort && other.protocol === protocol);
    if (isTaken && protocol === "udp") {
      throw new MachineError("bad-spec", `passt cannot listen on UDP port ${hostPort} of two addresses`, { plugin: "passt", hint: "Publish one of them, or listen on every address: 0.0.0.0." });
    }
    (isTaken ? late : early).push(port);
  }
  return { early, late };
}

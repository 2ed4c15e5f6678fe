import { Command, MachineError, type AfterStartEvent, type GuestDraft, type HostFacts, type MachineInfo, type Plugin, type Registration } from "glowplug";

export interface PodmanOptions {
  /** Registries that a short image name is looked up in, in order. Default: ["docker.io"]. */
  registries?: readonly string[];
}

/**
 * Files by which the guest's podman knows that it lives in a machine whose forwarder opens ports for it. The second is
 * where podman 6 looks first (containers/common, pkg/machine).
 */
const markers = ["/etc/containers/podman-machine", "/etc/podman-machine"];

/** Sets up podman in the guest: rootless and root's, its API on the host, and a connection for the host's own podman. */
export default function podman(options: PodmanOptions = {}): Plugin {
  const registries = options.registries ?? ["docker.io"];
  // Known between two hooks of one start, by machine. A restart by the keeper fires no beforeBoot; the guest's files then stay.
  const guestOpensPorts = new Map<string, boolean>();
  return {
    name: "podman",

    ignition({ guest, machine }) {
      addSystem(guest, machine, registries);
      if (machine.user !== "root") addRootless(guest, machine);
    },

    beforeBoot({ machine, net, sockets }) {
      guestOpensPorts.set(machine.name, net.guestOpensPorts);
      const host = machine.apiSocket;
      if (host === undefined || sockets.some((socket) => socket.host === host)) return;
      sockets.push({ host, guest: apiPath(machine, machine.rootful), user: machine.rootful ? "root" : machine.user, probe: "/_ping", publish: !net.guestOpensPorts });
    },

    async afterStart(event) {
      const wanted = guestOpensPorts.get(event.machine.name);
      if (wanted !== undefined) await placeMarkers(event, wanted);
    },

    async registrations(machine, host) {
      const program = host.find("podman");
      if (program === undefined) return [];
      const wanted = machine.rootful ? [true, false] : [false, true]; // podman makes the first connection it ever gets the default
      const connections = wanted.map((rootful) => ({ name: rootful ? `${machine.name}-root` : machine.name, rootful }));
      await checkFree(connections.map(({ name }) => name), machine, host, program);
      return connections.map(({ name, rootful }) => connection(program, name, machine, rootful));
    },
  };
}

/** Where podman listens in the guest. */
function apiPath(machine: MachineInfo, rootful: boolean): string {
  return rootful || machine.user === "root" ? "/run/podman/podman.sock" : `/run/user/${machine.uid}/podman/podman.sock`;
}

function addSystem(guest: GuestDraft, machine: MachineInfo, registries: readonly string[]): void {
  // In images that bring podman these two lines find nothing to do.
  guest.package("podman").run("systemctl -q is-active podman.socket || systemctl enable --now podman.socket");
  guest.unit({ name: "podman.socket", enabled: true }).readyAfter("podman.socket");
  guest.file({ path: "/etc/containers/registries.conf.d/999-glowplug.conf", content: `unqualified-search-registries = ${JSON.stringify(registries)}\n` });
  guest.file({ path: "/etc/tmpfiles.d/podman-docker.conf", content: `L+ /run/docker.sock - - - - ${apiPath(machine, machine.rootful)}\n` });
  guest.link({ path: "/usr/local/bin/docker", target: "/usr/bin/podman" });
  guest.file({ path: "/etc/sysctl.d/10-inotify-instances.conf", content: "fs.inotify.max_user_instances = 524288\n" });
  // A container whose first process heeds no SIGTERM would hold up a power-off for systemd's 90 seconds. `podman stop` gives it 10.
  for (const manager of ["system", "user"]) guest.file({ path: `/etc/systemd/${manager}.conf.d/10-stop-timeout.conf`, content: "[Manager]\nDefaultTimeoutStopSec=10s\n" });
  // Fedora CoreOS updates itself and reboots for it; a machine is renewed by its image. A guest without the unit ignores this.
  guest.unit({ name: "zincati.service", enabled: false });
}

function addRootless(guest: GuestDraft, { user, uid }: MachineInfo): void {
  const session = `user@${uid}.service`;
  const mine = { user, group: user };
  guest.file({ path: `/var/lib/systemd/linger/${user}`, content: "" });
  guest.link({ path: "/etc/systemd/user/sockets.target.wants/podman.socket", target: "/usr/lib/systemd/user/podman.socket" });
  guest.unit({ name: "user@.service", dropins: [{ name: "delegate.conf", content: "[Service]\nDelegate=cpu cpuset io memory pids\n" }] });
  // The user's own id must not lie among the ids of the containers.
  const first = uid >= 100_000 && uid < 1_100_000 ? uid + 1 : 100_000;
  for (const path of ["/etc/subuid", "/etc/subgid"]) guest.file({ path, content: `${user}:${first}:1000000\n` });
  // A bridge of its own, so that containers reach each other by name and ports are opened through the forwarder.
  guest.file({ path: `/home/${user}/.config/containers/containers.conf`, ...mine, content: '[containers]\nnetns = "bridge"\npids_limit = 0\n' });
  guest.readyAfter(session);
  // Where first boot had to install podman, the user's systemd has not seen its socket yet.
  guest.run(`[ -S /run/user/${uid}/podman/podman.sock ] || systemctl restart ${session}`);
}

/** Makes the guest's markers say whether the running forwarder opens ports: one command, which nearly always finds them right. */
async function placeMarkers({ ssh, machine, log, signal }: AfterStartEvent, wanted: boolean): Promise<void> {
  // Over the user's own connection: a login of root's would start a second user manager in the guest.
  const sudo = machine.user === "root" ? "" : "sudo -n ";
  const right = markers.map((path) => (wanted ? `[ -s ${path} ]` : `[ ! -e ${path} ]`)).join(" && ");
  // Any word but "wsl" means the same to podman.
  const edit = wanted ? `${sudo}mkdir -p /etc/containers && echo qemu | ${sudo}tee ${markers.join(" ")} > /dev/null` : `${sudo}rm -f ${markers.join(" ")}`;
  // A podman service reads the marker once in its life; its socket starts a new one.
  const forget = `${sudo}systemctl stop podman.service; XDG_RUNTIME_DIR=/run/user/${machine.uid} systemctl --user stop podman.service`;
  const { exitCode, stdout, stderr } = await ssh.exec(`{ ${right}; } || { ${edit} && { { ${forget}; } 2> /dev/null; echo changed; }; }`, { signal });
  if (exitCode !== 0) {
    throw new MachineError("ssh", `${wanted ? "writing" : "removing"} ${markers.join(" and ")} in the guest ended with exit status ${exitCode}: ${stderr.trim()}`, {
      hint: wanted ? "Without them `podman run -p` opens no port on the host." : "With them `podman run -p` fails, since nothing opens its ports.", plugin: "podman", stage: "afterStart",
    });
  }
  if (stdout.trim() === "changed") log(wanted ? "the guest's podman opens ports on the host" : "the guest's podman opens no ports by itself");
}

function connection(program: string, name: string, machine: MachineInfo, rootful: boolean): Registration {
  const { host, port, keyFile } = machine.ssh;
  const user = rootful ? "root" : machine.user;
  const command = () => new Command(program, { name: "podman" }).add("system").add("connection");
  return {
    title: `podman connection ${name}`,
    // With a path in the address podman does not dial.
    do: command().add("add").add("--identity", keyFile).add(name).add(`ssh://${user}@${host}:${port}${apiPath(machine, rootful)}`),
    undo: command().add("rm").add(name),
  };
}

/** `podman system connection add` replaces a connection of that name without a word: one that is not ours must not be lost. */
async function checkFree(names: readonly string[], machine: MachineInfo, host: HostFacts, program: string): Promise<void> {
  if (!host.local) return;
  const { exitCode, stdout } = await host.probe(program, ["system", "connection", "list", "--format", "json"]);
  if (exitCode !== 0 || stdout.trim() === "") return;
  const others = (JSON.parse(stdout) as readonly { Name: string; Identity?: string }[]).filter(({ Identity }) => Identity !== machine.ssh.keyFile);
  // Until 4.1 podman marked the default's name with a star.
  const taken = names.find((name) => others.some((other) => other.Name.replace(/\*$/, "") === name));
  if (taken !== undefined) {
    throw new MachineError("already-exists", `podman has a connection ${taken} already`, { hint: `Give the machine another name, or type: podman system connection rm ${taken}`, plugin: "podman" });
  }
}

import { syncGuestFiles, type AfterStartEvent, type GuestDraft, type MachineInfo, type Plugin, type SyncedPath } from "glowplug";
import { connections } from "./podman/connections.ts";
import { dockerContext } from "./podman/docker-context.ts";
import { enginesOf } from "./podman/engines.ts";

export interface PodmanOptions {
  /** Registries that a short image name is looked up in, in order. Default: ["docker.io"]. */
  registries?: readonly string[];
}

/**
 * Files by which the guest's podman knows that it lives in a machine whose forwarder opens ports for it. The second is
 * where podman 6 looks first (containers/common, pkg/machine).
 */
const markers = ["/etc/containers/podman-machine", "/etc/podman-machine"];

/** Makes the guest's /run/docker.sock lead to podman's. */
const dockerSocket = "/etc/tmpfiles.d/podman-docker.conf";
const containersConf = "/etc/containers/containers.conf.d/50-glowplug.conf";

/** What the forwarder of a start means for the guest's podman. */
interface Network {
  readonly guestOpensPorts: boolean;
  readonly hostAddress: string | undefined;
}

/** Sets up podman in the guest: rootless and root's, its API on the host, connections for the host's own podman and a context for its docker. */
export default function podman(options: PodmanOptions = {}): Plugin {
  const registries = options.registries ?? ["docker.io"];
  // Known between two hooks of one start, by machine. A restart by the keeper fires no beforeBoot; the guest's files then stay.
  const networks = new Map<string, Network>();
  return {
    name: "podman",

    ignition({ guest, machine }) {
      addSystem(guest, machine, registries);
      if (machine.user !== "root") addRootless(guest, machine);
    },

    beforeBoot({ machine, net, sockets }) {
      networks.set(machine.name, { guestOpensPorts: net.guestOpensPorts, hostAddress: net.names?.["host.containers.internal"] });
      for (const [index, { host, guest, user }] of enginesOf(machine).entries()) {
        if (host === undefined || sockets.some((socket) => socket.host === host)) continue;
        // The other one is there for who asks for it; no start waits for it.
        sockets.push({ host, guest, user, ...(index === 0 && { probe: "/_ping", whyNot, publish: !net.guestOpensPorts }) });
      }
    },

    async afterStart(event) {
      const network = networks.get(event.machine.name);
      if (network !== undefined) await bringUpToDate(event, network);
    },

    registrations: async (machine, host) => [
      ...(await connections(machine, host)),
      ...(await dockerContext(machine, host)),
    ],
  };
}

/** A guest whose first boot is over has podman, or will never have it. */
const whyNot = "command -v podman > /dev/null || echo 'the guest has no podman: take an image that has it or can install it, or make the machine without: podman: false'";

function addSystem(guest: GuestDraft, machine: MachineInfo, registries: readonly string[]): void {
  // In images that bring podman these two lines find nothing to do.
  guest.package("podman").run("systemctl -q is-active podman.socket || systemctl enable --now podman.socket");
  guest.unit({ name: "podman.socket", enabled: true }).readyAfter("podman.socket");
  guest.file({ path: "/etc/containers/registries.conf.d/999-glowplug.conf", content: `unqualified-search-registries = ${JSON.stringify(registries)}\n` });
  guest.file({ path: dockerSocket, content: dockerSocketLine(machine) });
  guest.link({ path: "/usr/local/bin/docker", target: "/usr/bin/podman" });
  guest.file({ path: "/etc/sysctl.d/10-inotify-instances.conf", content: "fs.inotify.max_user_instances = 524288\n" });
  // A container whose first process heeds no SIGTERM would hold up a power-off for systemd's 90 seconds. `podman stop` gives it 10.
  for (const manager of ["system", "user"]) guest.file({ path: `/etc/systemd/${manager}.conf.d/10-stop-timeout.conf`, content: "[Manager]\nDefaultTimeoutStopSec=10s\n" });
  // Systems that update themselves reboot for it; a machine is renewed by its image. A guest without the units ignores this.
  for (const name of ["zincati.service", "bootc-fetch-apply-updates.timer"]) guest.unit({ name, enabled: false });
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

function dockerSocketLine(machine: MachineInfo): string {
  return `L+ /run/docker.sock - - - - ${enginesOf(machine)[0]?.guest ?? ""}\n`;
}

/**
 * What depends on this start: whether the forwarder opens ports for the guest's podman, whose podman docker.sock leads to, and the host's
 * address, which podman itself finds under gvproxy alone. One command, which nearly always finds all of it right.
 */
async function bringUpToDate(event: AfterStartEvent, { guestOpensPorts, hostAddress }: Network): Promise<void> {
  const { machine, log } = event;
  const paths: SyncedPath[] = [
    // Any word but "wsl" means the same to podman.
    ...markers.map((path): SyncedPath => (guestOpensPorts ? { path, content: "qemu\n" } : { path, absent: true })),
    { path: dockerSocket, content: dockerSocketLine(machine) },
    hostAddress === undefined ? { path: containersConf, absent: true } : { path: containersConf, content: `[containers]\nhost_containers_internal_ip = "${hostAddress}"\n` },
  ];
  const changed = await syncGuestFiles(event, paths, {
    plugin: "podman", onChange: takeUp(machine), hint: guestOpensPorts ? "Without them `podman run -p` opens no port on the host." : "With the markers of another forwarder `podman run -p` fails, since nothing opens its ports.",
  });
  if (changed) log(`the guest's podman ${guestOpensPorts ? "opens ports on the host" : "opens no ports by itself"}; docker.sock is ${machine.rootful ? "root" : machine.user}'s`);
}

/** A podman service reads its files once in its life; its socket starts a new one. */
function takeUp({ user, uid }: MachineInfo): string {
  const own = user === "root" ? "" : `XDG_RUNTIME_DIR=/run/user/${uid} runuser -u ${user} -- systemctl --user stop podman.service || :\n`;
  return `if command -v systemd-tmpfiles > /dev/null; then systemd-tmpfiles --create --prefix=/run/docker.sock; fi\nsystemctl stop podman.service || :\n${own}`;
}

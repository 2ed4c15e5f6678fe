import { GuestDraft, type BeforeBootEvent, type IgnitionEvent, type MachineInfo, type SocketForward } from "glowplug";
import { describe, expect, it } from "vitest";
import { finishGuest } from "../../../core/first-boot.ts";
import podman, { type PodmanOptions } from "../../../plugins/addons/podman.ts";
import ignition from "../../../plugins/provisioners/ignition.ts";
import { hostOf } from "../../fixtures/hosts.ts";
import { guestRoot, type GuestRoot } from "../../support/guest-root.ts";
import { problemsOfIgnition } from "../../support/ignition.ts";

const rootless: MachineInfo = {
  name: "web", user: "core", uid: 1000, rootful: false, apiSocket: "/run/user/1/glowplug/web/podman.sock",
  ssh: { host: "127.0.0.1", port: 40022, keyFile: "/data/web/id_ed25519", hostKey: "ssh-ed25519 AAAA" }, folders: { data: "/data/web", runtime: "/run/user/1/glowplug/web" },
};
const rootful: MachineInfo = { ...rootless, rootful: true };
const host = hostOf("linux/x86_64");
const base = { host, signal: new AbortController().signal, log: () => {} };

async function draftFor(machine: MachineInfo, options?: PodmanOptions): Promise<GuestDraft> {
  const guest = new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });
  if (machine.user !== "root") guest.user({ name: machine.user, uid: machine.uid });
  await podman(options).ignition?.({ ...base, machine, guest } satisfies IgnitionEvent);
  return guest;
}
const contentOf = (guest: GuestDraft, path: string) => guest.files.find((file) => file.path === path)?.content;

describe("podman in the guest", () => {
  it("is set up for the user and for root", async () => {
    const guest = await draftFor(rootless);
    expect(guest.files).toEqual([
      { path: "/etc/containers/registries.conf.d/999-glowplug.conf", content: 'unqualified-search-registries = ["docker.io"]\n' },
      { path: "/etc/tmpfiles.d/podman-docker.conf", content: "L+ /run/docker.sock - - - - /run/user/1000/podman/podman.sock\n" },
      { path: "/etc/sysctl.d/10-inotify-instances.conf", content: "fs.inotify.max_user_instances = 524288\n" },
      { path: "/etc/systemd/system.conf.d/10-stop-timeout.conf", content: "[Manager]\nDefaultTimeoutStopSec=10s\n" },
      { path: "/etc/systemd/user.conf.d/10-stop-timeout.conf", content: "[Manager]\nDefaultTimeoutStopSec=10s\n" },
      { path: "/var/lib/systemd/linger/core", content: "" },
      { path: "/etc/subuid", content: "core:100000:1000000\n" },
      { path: "/etc/subgid", content: "core:100000:1000000\n" },
      { path: "/home/core/.config/containers/containers.conf", user: "core", group: "core", content: '[containers]\nnetns = "bridge"\npids_limit = 0\n' },
    ]);
    expect(guest.links).toEqual([
      { path: "/usr/local/bin/docker", target: "/usr/bin/podman" },
      { path: "/etc/systemd/user/sockets.target.wants/podman.socket", target: "/usr/lib/systemd/user/podman.socket" },
    ]);
    expect(guest.units).toEqual([
      { name: "podman.socket", enabled: true },
      { name: "zincati.service", enabled: false },
      { name: "bootc-fetch-apply-updates.timer", enabled: false },
      { name: "user@.service", dropins: [{ name: "delegate.conf", content: "[Service]\nDelegate=cpu cpuset io memory pids\n" }] },
    ]);
    expect(guest.readyUnits).toEqual(["podman.socket", "user@1000.service"]);
    expect(guest.packages).toEqual(["podman"]);
    expect(guest.commands.map(({ command }) => command)).toEqual([
      "systemctl -q is-active podman.socket || systemctl enable --now podman.socket",
      "[ -S /run/user/1000/podman/podman.sock ] || systemctl restart user@1000.service",
    ]);
  });

  it("gives /run/docker.sock to root's podman on a rootful machine, and all else as before", async () => {
    const guest = await draftFor(rootful);
    expect(contentOf(guest, "/etc/tmpfiles.d/podman-docker.conf")).toBe("L+ /run/docker.sock - - - - /run/podman/podman.sock\n");
    expect(guest.readyUnits).toEqual(["podman.socket", "user@1000.service"]);
  });

  it("has nothing for a user where root is the user", async () => {
    const guest = await draftFor({ ...rootless, user: "root", uid: 0 });
    expect(guest.readyUnits).toEqual(["podman.socket"]);
    expect(contentOf(guest, "/etc/subuid")).toBeUndefined();
    expect(contentOf(guest, "/etc/tmpfiles.d/podman-docker.conf")).toBe("L+ /run/docker.sock - - - - /run/podman/podman.sock\n");
  });

  it.each([[1000, 100000], [99_999, 100000], [100_000, 100_001], [500_000, 500_001], [1_099_999, 1_100_000], [1_100_000, 100000]])("keeps the user's id %i out of the containers' ids, which begin at %i", async (uid, first) => {
    const guest = await draftFor({ ...rootless, uid });
    expect(contentOf(guest, "/etc/subuid")).toBe(`core:${first}:1000000\n`);
  });

  it("looks short names up in the registries asked for", async () => {
    expect(contentOf(await draftFor(rootless, { registries: ["a.example", "b.example"] }), "/etc/containers/registries.conf.d/999-glowplug.conf")).toBe('unqualified-search-registries = ["a.example","b.example"]\n');
  });

  it.each([["rootless", rootless], ["rootful", rootful], ["of another user", { ...rootless, user: "ada" }]])("is good Ignition for a machine that is %s", async (_, machine) => {
    const guest = await draftFor(machine);
    finishGuest(guest);
    const seed = ignition().render(guest);
    expect(seed.kind === "ignition" && problemsOfIgnition(seed.text)).toEqual([]);
  });
});

describe("podman's API on the host", () => {
  function socketsOf(machine: MachineInfo, sockets: SocketForward[] = [], guestOpensPorts = true): SocketForward[] {
    void podman().beforeBoot?.({ ...base, machine, sockets, net: { guestOpensPorts } } as unknown as BeforeBootEvent);
    return sockets;
  }

  it.each<[string, MachineInfo, SocketForward[]]>([
    ["the user's", rootless, [{ host: "/run/user/1/glowplug/web/podman.sock", guest: "/run/user/1000/podman/podman.sock", user: "core", probe: "/_ping", whyNot: expect.stringContaining("command -v podman") as string, publish: false }, { host: "/run/user/1/glowplug/web/root.sock", guest: "/run/podman/podman.sock", user: "root" }]],
    ["root's", rootful, [{ host: "/run/user/1/glowplug/web/podman.sock", guest: "/run/podman/podman.sock", user: "root", probe: "/_ping", whyNot: expect.stringContaining("command -v podman") as string, publish: false }, { host: "/run/user/1/glowplug/web/user.sock", guest: "/run/user/1000/podman/podman.sock", user: "core" }]],
    ["root's, root being the user", { ...rootless, user: "root", uid: 0 }, [{ host: "/run/user/1/glowplug/web/podman.sock", guest: "/run/podman/podman.sock", user: "root", probe: "/_ping", whyNot: expect.stringContaining("command -v podman") as string, publish: false }]],
    ["nobody's, where the machine has none", { ...rootless, apiSocket: undefined }, []],
  ])("is %s", (_, machine, sockets) => {
    expect(socketsOf(machine)).toEqual(sockets);
  });

  it("tells the ports of containers where the guest cannot ask the forwarder for them", () => {
    expect(socketsOf(rootless, [], false)).toMatchObject([{ publish: true }, {}]);
  });

  it("stays as it is when a start is repeated, or when another plugin has set it", () => {
    const own: SocketForward = { host: "/run/user/1/glowplug/web/podman.sock", guest: "/elsewhere" };
    const root: SocketForward = { host: "/run/user/1/glowplug/web/root.sock", guest: "/run/podman/podman.sock", user: "root" };
    expect(socketsOf(rootless, [own])).toEqual([own, root]);
    expect(socketsOf(rootless, [own, root])).toEqual([own, root]);
  });
});

describe("what a start means for the guest's podman", () => {
  const markers = ["/etc/containers/podman-machine", "/etc/podman-machine"];
  const files = [...markers, "/etc/tmpfiles.d/podman-docker.conf", "/etc/containers/containers.conf.d/50-glowplug.conf"];
  const gvproxy = { guestOpensPorts: true, names: { "host.containers.internal": "192.168.127.254" } };
  const slirp = { guestOpensPorts: false, names: { "host.containers.internal": "10.0.2.2" } };

  function newGuest(): GuestRoot {
    const guest = guestRoot();
    for (const name of ["systemctl", "systemd-tmpfiles", "runuser"]) guest.program(name);
    return guest;
  }
  async function start(guest: GuestRoot, net: object | undefined, machine = rootless): Promise<void> {
    const plugin = podman();
    const event = { ...guest.event(), machine };
    if (net !== undefined) await plugin.beforeBoot?.({ ...event, sockets: [], net } as unknown as BeforeBootEvent);
    await plugin.afterStart?.(event);
  }
  const contents = (guest: GuestRoot) => files.map((path) => guest.read(path));
  const line = (path: string) => `L+ /run/docker.sock - - - - ${path}\n`;
  const conf = (address: string) => `[containers]\nhost_containers_internal_ip = "${address}"\n`;

  it("is written down: who opens ports, whose docker.sock is, and where the host is", async () => {
    const guest = newGuest();
    await start(guest, gvproxy);
    expect(contents(guest)).toEqual(["qemu\n", "qemu\n", line("/run/user/1000/podman/podman.sock"), conf("192.168.127.254")]);
    expect(guest.called()).toEqual(["systemd-tmpfiles --create --prefix=/run/docker.sock", "systemctl stop podman.service", "runuser -u core -- systemctl --user stop podman.service"]);
    expect(guest.told).toEqual(["the guest's podman opens ports on the host; docker.sock is core's"]);
  });

  it("is not spoken of when it is right already", async () => {
    const guest = newGuest();
    await start(guest, gvproxy);
    await start(guest, gvproxy);
    expect([guest.called().length, guest.told.length]).toEqual([3, 1]);
  });

  it("follows another forwarder", async () => {
    const guest = newGuest();
    await start(guest, gvproxy);
    await start(guest, slirp);
    expect(contents(guest)).toEqual([undefined, undefined, line("/run/user/1000/podman/podman.sock"), conf("10.0.2.2")]);
    await start(guest, { guestOpensPorts: false, names: {} });
    expect(contents(guest).at(-1)).toBeUndefined();
    expect(guest.told.at(-1)).toBe("the guest's podman opens no ports by itself; docker.sock is core's");
  });

  it("gives docker.sock to root's podman once the machine is rootful, and back", async () => {
    const guest = newGuest();
    await start(guest, gvproxy);
    await start(guest, gvproxy, rootful);
    expect(contents(guest)[2]).toBe(line("/run/podman/podman.sock"));
    expect(guest.told.at(-1)).toBe("the guest's podman opens ports on the host; docker.sock is root's");
    await start(guest, gvproxy);
    expect(contents(guest)[2]).toBe(line("/run/user/1000/podman/podman.sock"));
  });

  it("stays as it is when the hook runs without a boot being planned", async () => {
    const guest = newGuest();
    await start(guest, undefined);
    expect(guest.commands).toEqual([]);
  });

  it("needs neither sudo nor a user's manager for root", async () => {
    const guest = newGuest();
    await start(guest, gvproxy, { ...rootless, user: "root", uid: 0 });
    expect(guest.commands[0]).not.toMatch(/^sudo/);
    expect(guest.called()).toEqual(["systemd-tmpfiles --create --prefix=/run/docker.sock", "systemctl stop podman.service"]);
  });

  it("that cannot be written is an error", async () => {
    const guest = newGuest();
    guest.write("/etc/podman-machine/in-the-way", "");
    await expect(start(guest, gvproxy)).rejects.toMatchObject({ code: "ssh", plugin: "podman", message: expect.stringContaining("/etc/podman-machine is a folder") as string });
  });
});

it("the host knows the machine by connections of its podman and by a context of its docker", async () => {
  const known = await podman().registrations?.(rootless, hostOf("linux/x86_64", { programs: { docker: "/usr/bin/docker" }, answers: { "/usr/bin/docker --version": { stdout: "Docker version 28.2.2, build e6534b4\n" }, "/usr/bin/docker context inspect": { exitCode: 1 } } }));
  expect(known?.map(({ title }) => title)).toEqual(["podman connection web", "podman connection web-root", "docker context web"]);
});

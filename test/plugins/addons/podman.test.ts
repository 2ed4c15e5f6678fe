import { Command, GuestDraft, type AfterStartEvent, type BeforeBootEvent, type ExecResult, type IgnitionEvent, type MachineInfo, type SocketForward } from "glowplug";
import { beforeEach, describe, expect, it } from "vitest";
import { finishGuest } from "../../../core/first-boot.ts";
import podman, { type PodmanOptions } from "../../../plugins/addons/podman.ts";
import ignition from "../../../plugins/provisioners/ignition.ts";
import { hostOf } from "../../fixtures/hosts.ts";
import { problemsOfIgnition } from "../../support/ignition.ts";

const rootless: MachineInfo = {
  name: "web", user: "core", uid: 1000, rootful: false, apiSocket: "/run/user/1/glowplug/web/podman.sock",
  ssh: { host: "127.0.0.1", port: 40022, keyFile: "/data/web/id_ed25519", hostKey: "ssh-ed25519 AAAA" }, folders: { data: "/data/web", runtime: "/run/user/1/glowplug/web" },
};
const rootful: MachineInfo = { ...rootless, rootful: true };
const host = hostOf("linux/x86_64", { programs: { podman: "/usr/bin/podman" }, answers: { "/usr/bin/podman system connection list": { stdout: "[]" } } });
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
    ["the user's", rootless, [{ host: "/run/user/1/glowplug/web/podman.sock", guest: "/run/user/1000/podman/podman.sock", user: "core", probe: "/_ping", publish: false }]],
    ["root's", rootful, [{ host: "/run/user/1/glowplug/web/podman.sock", guest: "/run/podman/podman.sock", user: "root", probe: "/_ping", publish: false }]],
    ["root's, root being the user", { ...rootless, user: "root", uid: 0 }, [{ host: "/run/user/1/glowplug/web/podman.sock", guest: "/run/podman/podman.sock", user: "root", probe: "/_ping", publish: false }]],
    ["nobody's, where the machine has none", { ...rootless, apiSocket: undefined }, []],
  ])("is %s", (_, machine, sockets) => {
    expect(socketsOf(machine)).toEqual(sockets);
  });

  it("tells the ports of containers where the guest cannot ask the forwarder for them", () => {
    expect(socketsOf(rootless, [], false)).toMatchObject([{ publish: true }]);
  });

  it("stays as it is when a start is repeated, or when another plugin has set it", () => {
    const own: SocketForward = { host: "/run/user/1/glowplug/web/podman.sock", guest: "/elsewhere" };
    expect(socketsOf(rootless, [own])).toEqual([own]);
  });
});

describe("the marker of a machine whose forwarder opens ports", () => {
  const ran: string[] = [];
  const told: string[] = [];
  beforeEach(() => void (ran.length = told.length = 0));

  async function start(guestOpensPorts: boolean | undefined, answer: Partial<ExecResult>, machine = rootless): Promise<void> {
    const plugin = podman();
    if (guestOpensPorts !== undefined) await plugin.beforeBoot?.({ ...base, machine, sockets: [], net: { guestOpensPorts } } as unknown as BeforeBootEvent);
    const exec = async (command: string | readonly string[], options?: { user?: string }) => {
      ran.push(`${options?.user ?? "user"}: ${String(command)}`);
      return { exitCode: 0, stdout: "", stderr: "", ...answer };
    };
    await plugin.afterStart?.({ ...base, machine, ssh: { exec }, ports: [], log: (line) => told.push(line) } as AfterStartEvent);
  }

  it("is put in place, and podman is made to read it", async () => {
    await start(true, { stdout: "changed\n" });
    expect(ran).toEqual([
      "user: { [ -s /etc/containers/podman-machine ] && [ -s /etc/podman-machine ]; } || { sudo -n mkdir -p /etc/containers && echo qemu | sudo -n tee /etc/containers/podman-machine /etc/podman-machine > /dev/null && { { sudo -n systemctl stop podman.service; XDG_RUNTIME_DIR=/run/user/1000 systemctl --user stop podman.service; } 2> /dev/null; echo changed; }; }",
    ]);
    expect(told).toEqual(["the guest's podman opens ports on the host"]);
  });

  it("is taken away where the forwarder opens none", async () => {
    await start(false, { stdout: "changed\n" });
    expect(ran).toEqual([
      "user: { [ ! -e /etc/containers/podman-machine ] && [ ! -e /etc/podman-machine ]; } || { sudo -n rm -f /etc/containers/podman-machine /etc/podman-machine && { { sudo -n systemctl stop podman.service; XDG_RUNTIME_DIR=/run/user/1000 systemctl --user stop podman.service; } 2> /dev/null; echo changed; }; }",
    ]);
    expect(told).toEqual(["the guest's podman opens no ports by itself"]);
  });

  it("is not spoken of when it is right already", async () => {
    await start(true, {});
    expect(told).toEqual([]);
  });

  it("stays as it is when the hook runs without a boot being planned", async () => {
    await start(undefined, {});
    expect(ran).toEqual([]);
  });

  it("needs no sudo for root", async () => {
    await start(true, {}, { ...rootless, user: "root", uid: 0 });
    expect(ran[0]).not.toContain("sudo");
  });

  it("that cannot be written is an error", async () => {
    await expect(start(true, { exitCode: 1, stderr: "sudo: a password is required\n" })).rejects.toMatchObject({
      code: "ssh", plugin: "podman", message: "writing /etc/containers/podman-machine and /etc/podman-machine in the guest ended with exit status 1: sudo: a password is required",
    });
  });
});

describe("podman's connections on the host", () => {
  const lines = async (machine: MachineInfo, facts = host) =>
    ((await podman().registrations?.(machine, facts)) ?? []).map((item) => [item.title, item.do.toString(), item.undo.toString()]);
  const web = ["podman connection web", "/usr/bin/podman system connection add --identity /data/web/id_ed25519 web ssh://core@127.0.0.1:40022/run/user/1000/podman/podman.sock", "/usr/bin/podman system connection rm web"];
  const webRoot = ["podman connection web-root", "/usr/bin/podman system connection add --identity /data/web/id_ed25519 web-root ssh://root@127.0.0.1:40022/run/podman/podman.sock", "/usr/bin/podman system connection rm web-root"];
  const listed = (connections: readonly object[]) => hostOf("linux/x86_64", { programs: { podman: "/usr/bin/podman" }, answers: { "/usr/bin/podman system connection list": { stdout: JSON.stringify(connections) } } });

  it("are made for the user and for root, the one that the machine prefers first", async () => {
    expect(await lines(rootless)).toEqual([web, webRoot]);
    expect(await lines(rootful)).toEqual([webRoot, web]);
    expect((await podman().registrations?.(rootless, host))?.[0]?.do).toBeInstanceOf(Command);
  });

  it("are not made where there is no podman", async () => {
    expect(await lines(rootless, hostOf("linux/x86_64"))).toEqual([]);
  });

  it("leave another's connection of the name alone", async () => {
    await expect(lines(rootless, listed([{ Name: "web-root*", URI: "ssh://root@elsewhere", Identity: "/home/me/.ssh/id" }]))).rejects.toMatchObject({
      code: "already-exists", message: "podman has a connection web-root already", hint: "Give the machine another name, or type: podman system connection rm web-root",
    });
  });

  it("replace what an earlier machine of the name left behind", async () => {
    expect(await lines(rootless, listed([{ Name: "web", Identity: "/data/web/id_ed25519" }, { Name: "other", Identity: "" }]))).toEqual([web, webRoot]);
  });
});

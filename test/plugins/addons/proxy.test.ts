import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { GuestDraft, type IgnitionEvent } from "glowplug";
import { describe, expect, it } from "vitest";
import proxy from "../../../plugins/addons/proxy.ts";
import { hostOf } from "../../fixtures/hosts.ts";
import { guestRoot, type GuestRoot } from "../../support/guest-root.ts";

type Environment = Readonly<Record<string, string>>;
const paths = {
  system: "/etc/systemd/system.conf.d/90-glowplug-proxy.conf", user: "/etc/systemd/user.conf.d/90-glowplug-proxy.conf",
  session: "/etc/environment.d/90-glowplug-proxy.conf", shell: "/etc/profile.d/glowplug-proxy.sh",
};

function newGuest(): GuestRoot {
  const guest = guestRoot();
  guest.program("systemctl");
  guest.program("runuser");
  return guest;
}

async function start(guest: GuestRoot, env: Environment, options: { user?: string } = {}): Promise<void> {
  const event = guest.event(hostOf("linux/amd64", { env }));
  const machine = { ...event.machine, user: options.user ?? "root" };
  await proxy().afterStart?.({ ...event, machine });
}
const valuesIn = (guest: GuestRoot): string | undefined => guest.read(paths.session);
async function valueOf(name: string, value: string): Promise<string | undefined> {
  const guest = newGuest();
  await start(guest, { [name]: value });
  return valuesIn(guest)?.trim().slice(name.length + 1);
}

describe("the host's proxies", () => {
  const env = { HTTPS_PROXY: "http://proxy.example:3128", http_proxy: "http://proxy.example:3128", no_proxy: "localhost, .example", SSL_CERT_FILE: "/etc/x" };

  it("are there for services, sessions and shells, and are taken up once", async () => {
    const guest = newGuest();
    await start(guest, env);
    await start(guest, env);
    const manager = '[Manager]\nDefaultEnvironment="HTTPS_PROXY=http://proxy.example:3128" "http_proxy=http://proxy.example:3128" "no_proxy=localhost,.example"\n';
    expect(Object.values(paths).map((path) => guest.read(path))).toEqual([
      manager, manager, "HTTPS_PROXY=http://proxy.example:3128\nhttp_proxy=http://proxy.example:3128\nno_proxy=localhost,.example\n",
      "export HTTPS_PROXY='http://proxy.example:3128'\nexport http_proxy='http://proxy.example:3128'\nexport no_proxy='localhost,.example'\n",
    ]);
    expect([guest.called(), guest.told]).toEqual([["systemctl daemon-reload", "systemctl stop podman.service"], ["the guest has the host's HTTPS_PROXY, http_proxy, no_proxy"]]);
  });

  it("reach the user's own services too", async () => {
    const guest = newGuest();
    await start(guest, env, { user: "core" });
    expect(guest.called()).toEqual([
      "systemctl daemon-reload", "systemctl stop podman.service", "runuser -u core -- systemctl --user daemon-reload", "runuser -u core -- systemctl --user stop podman.service",
    ]);
  });

  it("go from the guest when they are gone from the host", async () => {
    const guest = newGuest();
    await start(guest, env);
    await start(guest, { http_proxy: "" });
    expect(Object.values(paths).map((path) => guest.read(path))).toEqual([undefined, undefined, undefined, undefined]);
    expect([guest.called().length, guest.told.at(-1)]).toEqual([4, "the guest goes through no proxy any more"]);
  });

  it("are not spoken of where there are none", async () => {
    const guest = newGuest();
    await start(guest, {});
    expect([guest.called(), guest.told]).toEqual([[], []]);
  });

  it.each([
    ["http://localhost:3128", "http://host.containers.internal:3128"],
    ["http://127.0.0.1:3128/", "http://host.containers.internal:3128/"],
    ["http://[::1]:3128", "http://host.containers.internal:3128"],
    ["socks5h://me:secret@LOCALHOST", "socks5h://me:secret@host.containers.internal"],
    ["localhost:3128", "host.containers.internal:3128"],
    ["http://localhost.example:3128", "http://localhost.example:3128"],
    ["http://proxy.example/localhost", "http://proxy.example/localhost"],
  ])("on the host's loopback are the host's for the guest: %s is %s", async (value, expected) => {
    expect(await valueOf("http_proxy", value)).toBe(expected);
  });

  it("leave the guest's own loopback alone", async () => {
    expect(await valueOf("no_proxy", "localhost,127.0.0.1")).toBe("localhost,127.0.0.1");
  });
});

describe("a password", () => {
  const env = { https_proxy: `http://me:it's "50%" $HOME \`id\` \\@proxy.example:3128` };

  it("arrives in a shell as the address that it was, whatever its characters", async () => {
    const guest = newGuest();
    await start(guest, env);
    const shell = spawnSync("/bin/sh", ["-c", `. ${join(guest.folder, paths.shell)}; printf %s "$https_proxy"`], { encoding: "utf8", env: {} });
    expect(shell.stdout).toBe("http://me:it%27s%20%2250%%22%20%24HOME%20%60id%60%20%5C@proxy.example:3128");
    expect(guest.read(paths.system)).toContain('"https_proxy=http://me:it%%27s%%20%%2250%%%%22%%20%%24HOME');
  });

  it("shows neither in the log, nor in a command line, nor in an error", async () => {
    const guest = newGuest();
    guest.program("systemctl", "exit 1");
    const error = await start(guest, { http_proxy: "http://me:hunter2@proxy.example" }).then(() => undefined, (cause: unknown) => cause);
    expect(error).toMatchObject({ code: "ssh", plugin: "proxy" });
    expect(`${JSON.stringify(error)} ${String(error)} ${guest.told.join()} ${guest.commands.join()}`).not.toContain("hunter2");
  });
});

describe("first boot", () => {
  async function draft(env: Environment): Promise<GuestDraft> {
    const guest = new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });
    await proxy().ignition?.({ guest, host: hostOf("linux/amd64", { env }) } as unknown as IgnitionEvent);
    return guest;
  }

  it("has the proxies as later starts do, but for those with a password", async () => {
    const guest = await draft({ http_proxy: "http://proxy.example:3128", https_proxy: "http://me:hunter2@proxy.example:3128" });
    expect(guest.files.map(({ path }) => path)).toEqual(Object.values(paths));
    expect(guest.files.find(({ path }) => path === paths.session)?.content).toBe("http_proxy=http://proxy.example:3128\n");
    expect(JSON.stringify(guest.files)).not.toContain("hunter2");
  });

  it("has nothing where there are none", async () => {
    expect((await draft({})).files).toEqual([]);
  });
});

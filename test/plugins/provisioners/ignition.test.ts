import { GuestDraft, type Seed } from "glowplug";
import { describe, expect, it } from "vitest";
import { finishGuest } from "../../../core/first-boot.ts";
import { dataUrl } from "../../../plugins/provisioners/ignition/data-url.ts";
import ignition, { type IgnitionFragment, type IgnitionOptions } from "../../../plugins/provisioners/ignition.ts";
import { problemsOfIgnition } from "../../support/ignition.ts";

const newDraft = () => new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });

/** A config's text, after Ignition's checker and the schema have seen it. */
function render(guest: GuestDraft, options?: IgnitionOptions): string {
  const seed: Seed = ignition(options).render(guest);
  if (seed.kind !== "ignition") throw new Error(`a seed of kind ${seed.kind}`);
  expect(problemsOfIgnition(seed.text)).toEqual([]);
  return seed.text;
}
const parsed = (guest: GuestDraft, options?: IgnitionOptions) => JSON.parse(render(guest, options));

describe("ignition", () => {
  it("renders everything that a draft can say", () => {
    const guest = newDraft();
    guest.user({ name: "root", authorizedKeys: ["ssh-ed25519 AAAA"] });
    guest.user({ name: "core", absent: true }).user({ name: "ada", uid: 1234, groups: ["sudo"], authorizedKeys: ["ssh-ed25519 AAAA"], shell: "/bin/bash" });
    guest.folder({ path: "/srv/web" }).folder({ path: "/srv/ada", mode: 0o700, user: "ada", group: "users" });
    guest.file({ path: "/etc/motd", content: "hello, Ada: 100%\n" });
    guest.file({ path: "/etc/secret", content: "", mode: 0o400, overwrite: false });
    guest.file({ path: "/home/ada/.config/web/a.conf", content: "x=1\n", user: "ada" });
    guest.link({ path: "/etc/localtime", target: "../usr/share/zoneinfo/UTC" }).link({ path: "/etc/web", target: "/srv/web", overwrite: false });
    guest.unit({ name: "web.service", content: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n" });
    guest.unit({ name: "podman.socket", enabled: true }).unit({ name: "zincati.service", enabled: false }).unit({ name: "docker.service", mask: true });
    guest.unit({ name: "user@.service", dropins: [{ name: "delegate.conf", content: "[Service]\nDelegate=yes\n" }] });
    const ada = { user: { name: "ada" }, group: { name: "ada" } };
    expect(render(guest)).toBe(`${JSON.stringify({
      ignition: { version: "3.3.0" },
      passwd: { users: [
        { name: "root", sshAuthorizedKeys: ["ssh-ed25519 AAAA"] },
        { name: "core", shouldExist: false },
        { name: "ada", uid: 1234, groups: ["sudo"], shell: "/bin/bash", sshAuthorizedKeys: ["ssh-ed25519 AAAA"] },
      ] },
      storage: {
        directories: [
          { path: "/home/ada/.config", mode: 0o755, ...ada },
          { path: "/home/ada/.config/web", mode: 0o755, ...ada },
          { path: "/srv/web", mode: 0o755 },
          { path: "/srv/ada", mode: 0o700, user: { name: "ada" }, group: { name: "users" } },
        ],
        files: [
          { path: "/etc/hostname", overwrite: true, mode: 0o644, contents: { source: "data:,web%0A" } },
          { path: "/etc/motd", overwrite: true, mode: 0o644, contents: { source: "data:,hello,%20Ada:%20100%25%0A" } },
          { path: "/etc/secret", overwrite: false, mode: 0o400, contents: { source: "data:," } },
          { path: "/home/ada/.config/web/a.conf", overwrite: true, mode: 0o644, ...ada, contents: { source: "data:,x=1%0A" } },
        ],
        links: [
          { path: "/etc/localtime", overwrite: true, target: "../usr/share/zoneinfo/UTC", hard: false },
          { path: "/etc/web", overwrite: false, target: "/srv/web", hard: false },
        ],
      },
      systemd: { units: [
        { name: "web.service", enabled: true, contents: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n" },
        { name: "podman.socket", enabled: true },
        { name: "zincati.service", enabled: false },
        { name: "docker.service", mask: true },
        { name: "user@.service", dropins: [{ name: "delegate.conf", contents: "[Service]\nDelegate=yes\n" }] },
      ] },
    }, null, 2)}\n`);
  });

  it("gives the same bytes for the same draft", () => {
    const guest = newDraft().package("git").run("true").user({ name: "core", uid: 1 });
    finishGuest(guest);
    expect(render(guest)).toBe(render(guest));
  });

  it("leaves a host name to a plugin that writes /etc/hostname", () => {
    const { storage } = parsed(newDraft().file({ path: "/etc/hostname", content: "other\n" }));
    expect(storage.files.map((file: { contents: { source: string } }) => file.contents.source)).toEqual(["data:,other%0A"]);
  });

  it("has the guest set the bits of a mode that Ignition leaves out", () => {
    const guest = newDraft().folder({ path: "/srv/100% [shared]", mode: 0o2770 }).file({ path: "/usr/local/bin/as-root", content: "", mode: 0o4755 }).file({ path: "/etc/plain", content: "" });
    expect(parsed(guest).storage.files.at(-1)).toMatchObject({
      path: "/etc/tmpfiles.d/90-glowplug-modes.conf", mode: 0o644,
      contents: { source: dataUrl('z "/srv/100%% \\\\[shared\\\\]" 2770\nz "/usr/local/bin/as-root" 4755\n') },
    });
  });

  it("makes the folders of a home the user's, but none that the draft names", () => {
    const guest = newDraft().user({ name: "root" }).user({ name: "ada" }).user({ name: "adam" }).user({ name: "core", absent: true });
    guest.file({ path: "/home/ada/.ssh/config", content: "" }).link({ path: "/home/ada/a/b/c", target: "/x" }).folder({ path: "/home/ada/a", mode: 0o711 });
    guest.file({ path: "/home/adam/x", content: "" }).file({ path: "/home/core/y/z", content: "" }).file({ path: "/root/r/s", content: "" });
    const own = (name: string) => ({ user: { name }, group: { name } });
    expect(parsed(guest).storage.directories).toEqual([
      { path: "/home/ada/.ssh", mode: 0o700, ...own("ada") },
      { path: "/home/ada/a/b", mode: 0o755, ...own("ada") },
      { path: "/home/ada/a", mode: 0o711 },
    ]);
  });

  it("mounts volumes by units, with a mount point where / may be immutable", () => {
    const guest = newDraft();
    guest.mount({ tag: "vol0", kind: "virtiofs", target: "/home/ada/my-src", readOnly: false });
    guest.mount({ tag: "vol1", kind: "9p", target: "/Users/Ada's $100% (old)", readOnly: true });
    expect(parsed(guest).systemd.units).toEqual([
      { name: "home-ada-my\\x2dsrc.mount", enabled: true, contents: `[Unit]
Description=Folder of the host at /home/ada/my-src

[Mount]
What=vol0
Where=/home/ada/my-src
Type=virtiofs
Options=context="system_u:object_r:nfs_t:s0"

[Install]
WantedBy=multi-user.target
` },
      { name: "Users-Ada\\x27s\\x20\\x24100\\x25\\x20\\x28old\\x29.mount", enabled: true, contents: `[Unit]
Description=Folder of the host at /Users/Ada's $100%% (old)
Requires=glowplug-mount-points.service
After=glowplug-mount-points.service

[Mount]
What=vol1
Where=/Users/Ada's $100%% (old)
Type=9p
Options=trans=virtio,version=9p2000.L,msize=131072,ro

[Install]
WantedBy=multi-user.target
` },
      { name: "glowplug-mount-points.service", contents: `[Unit]
Description=Mount points for folders of the host
DefaultDependencies=no
After=systemd-remount-fs.service
Before=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-/bin/sh -c '[ ! -e /run/ostree-booted ] || chattr -i /'
ExecStart=/bin/mkdir -p "/Users/Ada's $$100%% (old)"
ExecStart=-/bin/sh -c '[ ! -e /run/ostree-booted ] || chattr +i /'
` },
    ]);
  });

  it.each(["3.0.0", "3.1.0", "3.2.0"] as const)("renders version %s", (version) => {
    expect(parsed(newDraft().user({ name: "core", uid: 1 }), { version }).ignition).toEqual({ version });
  });

  it("refuses a version that it does not write", () => {
    expect(() => ignition({ version: "2.2.0" as "3.2.0" })).toThrow(expect.objectContaining({ code: "bad-spec", plugin: "ignition" }));
  });

  it("refuses to take a user away where the version has no word for it", () => {
    const guest = newDraft().user({ name: "core", absent: true });
    expect(parsed(guest, { version: "3.2.0" }).passwd.users).toEqual([{ name: "core", shouldExist: false }]);
    expect(() => ignition({ version: "3.1.0" }).render(guest)).toThrow(expect.objectContaining({ code: "bad-spec", message: "Ignition's config 3.1.0 cannot take away the image's user core" }));
  });
});

describe("an ignition fragment", () => {
  const guest = () => newDraft().user({ name: "core", uid: 1000, groups: ["sudo"] }).file({ path: "/etc/motd", content: "a\n" }).unit({ name: "a.service", enabled: true });

  it("adds to the config and has the last word", () => {
    const merge: IgnitionFragment = {
      passwd: { users: [{ name: "core", groups: ["video", "sudo"], uid: 2000 }, { name: "bob" }] },
      storage: { files: [{ path: "/etc/motd", contents: { source: "data:,b" } }, { path: "/etc/new", contents: { source: "data:,n" } }] },
      systemd: { units: [{ name: "a.service", enabled: false }] },
      kernelArguments: { shouldExist: ["quiet"] },
    };
    const config = parsed(guest(), { merge });
    expect(config.passwd.users).toEqual([{ name: "core", uid: 2000, groups: ["sudo", "video"] }, { name: "bob" }]);
    expect(config.storage.files.slice(1)).toEqual([
      { path: "/etc/motd", overwrite: true, mode: 0o644, contents: { source: "data:,b" } }, { path: "/etc/new", contents: { source: "data:,n" } },
    ]);
    expect(config.systemd.units).toEqual([{ name: "a.service", enabled: false }]);
    expect(config.kernelArguments).toEqual({ shouldExist: ["quiet"] });
  });

  it("may be one of several, the later ones winning", () => {
    const unit = (enabled: boolean): IgnitionFragment => ({ systemd: { units: [{ name: "a.service", enabled }] } });
    expect(parsed(guest(), { merge: [unit(false), unit(true), unit(false)] }).systemd.units).toEqual([{ name: "a.service", enabled: false }]);
  });

  it.each([["3.1.0", "3.3.0"], ["3.3.0", "3.3.0"]])("of version %s leaves the config at %s", (theirs, version) => {
    expect(parsed(guest(), { merge: { ignition: { version: theirs } } }).ignition).toEqual({ version });
  });

  it("of a higher version raises the config's", () => {
    expect(parsed(guest(), { version: "3.1.0", merge: { ignition: { version: "3.2.0" } } }).ignition).toEqual({ version: "3.2.0" });
    const seed = ignition({ merge: { ignition: { version: "3.10.0" } } }).render(guest());
    expect(seed.kind === "ignition" && JSON.parse(seed.text).ignition).toEqual({ version: "3.10.0" });
  });

  it("of version 2 is refused", () => {
    expect(() => ignition({ merge: { ignition: { version: "2.2.0" } } }).render(guest())).toThrow(expect.objectContaining({ code: "bad-spec", message: 'an Ignition fragment is of version "2.2.0"; expected 3.x' }));
  });
});

describe("a config of the user's own", () => {
  const text = (config: object): string => JSON.stringify({ ignition: { version: "3.2.0" }, ...config });
  const guest = (own: string) => {
    const draft = newDraft().user({ name: "core", uid: 1000, authorizedKeys: ["ssh-ed25519 OURS"] }).file({ path: "/etc/motd", content: "ours\n" }).link({ path: "/etc/localtime", target: "UTC" });
    finishGuest(draft);
    draft.userConfig = { path: "/home/me/box.ign", text: own };
    return draft;
  };

  it("keeps its own word, and gets the ready signal, the login and all that it does not mention", () => {
    const own = text({
      passwd: { users: [{ name: "core", sshAuthorizedKeys: ["ssh-ed25519 MINE"], passwordHash: "x" }] },
      storage: { files: [{ path: "/etc/motd", overwrite: true, contents: { source: "data:,mine" } }], links: [{ path: "/etc/localtime", target: "Mars" }] },
      systemd: { units: [{ name: "mine.service", enabled: true }] },
    });
    const config = parsed(guest(own));
    expect(config.ignition).toEqual({ version: "3.3.0" });
    expect(config.passwd.users).toEqual([{ name: "core", uid: 1000, sshAuthorizedKeys: ["ssh-ed25519 OURS", "ssh-ed25519 MINE"], passwordHash: "x" }]);
    expect(config.storage.files.find((file: { path: string }) => file.path === "/etc/motd")?.contents).toEqual({ source: "data:,mine" });
    expect(config.storage.links).toEqual([{ path: "/etc/localtime", overwrite: true, target: "Mars", hard: false }]);
    expect(config.systemd.units.map((unit: { name: string }) => unit.name)).toEqual(expect.arrayContaining(["glowplug-ready.service", "mine.service"]));
  });

  it("gives way to what the machine's script merges in", () => {
    const merge: IgnitionFragment = { storage: { files: [{ path: "/etc/motd", contents: { source: "data:,script" } }] } };
    expect(parsed(guest(text({ storage: { files: [{ path: "/etc/motd", contents: { source: "data:,mine" } }] } })), { merge }).storage.files.at(1)?.contents).toEqual({ source: "data:,script" });
  });

  it("raises the config's version where it is newer", () => {
    const seed = ignition().render(guest('{"ignition":{"version":"3.4.0"}}'));
    expect(seed.kind === "ignition" && JSON.parse(seed.text).ignition).toEqual({ version: "3.4.0" });
  });

  it("that makes another kind of thing of a path of ours is refused, as Ignition would", () => {
    expect(() => ignition().render(guest(text({ storage: { files: [{ path: "/etc/localtime" }] } })))).toThrow(expect.objectContaining({
      code: "conflict", message: "the guest's path /etc/localtime is a file and a link at once, in what is merged into the Ignition config",
    }));
  });
});

import { GuestDraft, type Seed } from "glowplug";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { finishGuest } from "../../../core/first-boot.ts";
import cloudInit from "../../../plugins/provisioners/cloud-init.ts";
import { problemsOfUserData, readByPython } from "../../support/cloud-init.ts";

const newDraft = () => new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });

function files(guest: GuestDraft): Readonly<Record<string, string>> {
  const seed: Seed = cloudInit().render(guest);
  if (seed.kind !== "nocloud") throw new Error(`a seed of kind ${seed.kind}`);
  return seed.files;
}
interface Config {
  readonly hostname: string;
  readonly manage_etc_hosts: unknown;
  readonly ssh_authorized_keys: readonly string[];
  readonly users: readonly object[];
  readonly bootcmd: readonly string[];
  readonly write_files: readonly { readonly path: string; readonly owner: string; readonly permissions: string; readonly content: string }[];
}
const config = (guest: GuestDraft): Config => parse(files(guest)["user-data"] ?? "", { version: "1.1" }) as Config;
const contentOf = (guest: GuestDraft, path: string) => config(guest).write_files.find((file) => file.path === path)?.content;

/** A guest that says everything that a draft can say. */
function everything(): GuestDraft {
  const guest = newDraft();
  guest.user({ name: "root", authorizedKeys: ["ssh-ed25519 AAAA"] });
  guest.user({ name: "debian", absent: true }).user({ name: "ada", uid: 1234, groups: ["sudo"], authorizedKeys: ["ssh-ed25519 AAAA"], shell: "/bin/bash" });
  guest.folder({ path: "/srv/web" }).folder({ path: "/srv/ada", mode: 0o700, user: "ada", group: "users" });
  guest.file({ path: "/etc/motd", content: "hello, Ada: 100%\n" }).file({ path: "/etc/secret", content: "", mode: 0o400, overwrite: false });
  guest.file({ path: "/home/ada/.config/web/a.conf", content: "x=1\n", user: "ada" }).file({ path: "/etc/subuid", content: "ada:1:2\n" });
  guest.link({ path: "/etc/localtime", target: "../usr/share/zoneinfo/UTC" }).link({ path: "/etc/web", target: "/srv/web", overwrite: false });
  guest.unit({ name: "web.service", content: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n" });
  guest.unit({ name: "podman.socket", enabled: true }).unit({ name: "zincati.service", enabled: false }).unit({ name: "docker.service", mask: true });
  guest.unit({ name: "user@.service", dropins: [{ name: "delegate.conf", content: "[Service]\nDelegate=yes\n" }] });
  return guest.mount({ tag: "volume-1", kind: "9p", target: "/mnt/it's here", readOnly: true });
}

describe("cloud-init", () => {
  it("is content, by its own checker, with the least and with the most", () => {
    const most = everything().package("git").run("true");
    finishGuest(most);
    const least = newDraft().user({ name: "ada" });
    for (const guest of [least, most]) expect(problemsOfUserData(files(guest)["user-data"] ?? "")).toEqual([]);
  });

  it("reads what every other reader of YAML reads", () => {
    const text = files(everything())["user-data"] ?? "";
    expect(readByPython(text)).toEqual(parse(text));
  });

  it("says in its own words what it has words for", () => {
    const { write_files: written, bootcmd: _, ...rest } = config(everything());
    expect(rest).toEqual({
      hostname: "web", preserve_hostname: false, prefer_fqdn_over_hostname: false, manage_etc_hosts: "localhost", updates: { network: { when: ["boot-new-instance", "boot"] } },
      growpart: { mode: "auto", devices: ["/"] }, resize_rootfs: true, ssh_deletekeys: false, ssh_genkeytypes: ["ed25519"], ssh: { emit_keys_to_console: false },
      no_ssh_fingerprints: true, ssh_pwauth: false, disable_root: false, ssh_authorized_keys: ["ssh-ed25519 AAAA"],
      users: [{ name: "ada", uid: 1234, primary_group: "ada", groups: ["sudo"], shell: "/bin/bash", passwd: "*", lock_passwd: false, ssh_authorized_keys: ["ssh-ed25519 AAAA"] }],
    });
    expect(written.map(({ path, owner, permissions }) => `${path} ${owner} ${permissions}`)).toEqual([
      "/etc/motd root:root 0644",
      "/etc/systemd/system/mnt-it\\x27s\\x20here.mount root:root 0644",
      "/etc/systemd/system/web.service root:root 0644",
      "/etc/systemd/system/user@.service.d/delegate.conf root:root 0644",
      "/var/lib/glowplug/cloud-init/000 root:root 0600",
      "/var/lib/glowplug/cloud-init/001 root:root 0600",
      "/var/lib/glowplug/cloud-init/002 root:root 0600",
      "/var/lib/glowplug/cloud-init/apply root:root 0600",
      "/var/lib/cloud/scripts/per-boot/50-glowplug root:root 0755",
    ]);
  });

  it("leaves the rest to a script, which begins with users and ends with units", () => {
    const script = contentOf(everything(), "/var/lib/glowplug/cloud-init/apply") ?? "";
    expect(script.slice(script.lastIndexOf("}\n") + 3)).toBe(`user root '' ''
user ada 1234 /bin/bash sudo
folder 0755 ada ada /home/ada/.config
folder 0755 ada ada /home/ada/.config/web
folder 0700 ada users /srv/ada
folder 0755 root root /srv/web
file 000 0400 root root /etc/secret keep
file 001 0644 ada ada /home/ada/.config/web/a.conf
file 002 0644 root root /etc/subuid
link ../usr/share/zoneinfo/UTC /etc/localtime
link /srv/web /etc/web keep
if [ -d /run/systemd/system ]; then
  stale=$(outdated web.service 'user@*.service')
  link /dev/null /etc/systemd/system/docker.service
  turn_off zincati.service docker.service
  turn_on 'mnt-it\\x27s\\x20here.mount' web.service podman.socket
  systemctl daemon-reload
  [ -z "$stale" ] || systemctl --no-block try-restart $stale
  begin 'mnt-it\\x27s\\x20here.mount' web.service podman.socket
else
  mount_share '/mnt/it'\\''s here' 'volume-1 /mnt/it'\\''s\\040here 9p trans=virtio,version=9p2000.L,msize=131072,ro,nofail 0 0'
  echo 'no systemd runs here: nothing is done about web.service'
  :
fi
`);
  });

  it("gives the same bytes for the same draft, and another instance's name for another draft", () => {
    const guest = everything();
    finishGuest(guest);
    expect(files(guest)).toEqual(files(guest));
    const name = (text: string) => /instance-id: (\S+)/.exec(files(newDraft().file({ path: "/etc/x", content: text }))["meta-data"] ?? "")?.[1];
    expect(name("a")).toMatch(/^glowplug-[0-9a-f]{32}$/);
    expect(name("b")).not.toBe(name("a"));
  });

  it("writes no network config: cloud-init's own choice is made anew at each boot", () => {
    expect(Object.keys(files(newDraft()))).toEqual(["meta-data", "user-data"]);
  });

  it.each<[string, (guest: GuestDraft) => unknown, Partial<Config>]>([
    ["a host name", (guest) => guest.file({ path: "/etc/hostname", content: "other\n" }), { hostname: "other" }],
    ["the table of hosts", (guest) => guest.file({ path: "/etc/hosts", content: "127.0.0.1 localhost\n" }), { manage_etc_hosts: false }],
    ["root's keys alone", (guest) => guest.user({ name: "root", authorizedKeys: ["a", "b"] }), { users: [], ssh_authorized_keys: ["a", "b"] }],
    ["a user of the image's", (guest) => guest.user({ name: "debian", absent: true }), { users: [] }],
    ["a user without anything", (guest) => guest.user({ name: "ada" }), { users: [{ name: "ada", primary_group: "ada", passwd: "*", lock_passwd: false }] }],
  ])("takes %s from the draft", (_, change, expected) => {
    const guest = newDraft();
    change(guest);
    expect(config(guest)).toMatchObject(expected);
  });

  it.each<[string, (guest: GuestDraft) => unknown, boolean]>([
    ["of root's", (guest) => guest.file({ path: "/etc/a", content: "" }), true],
    ["of root's, said aloud", (guest) => guest.file({ path: "/etc/a", content: "", user: "root", group: "root" }), true],
    ["of a user's", (guest) => guest.file({ path: "/etc/a", content: "", user: "ada" }), false],
    ["of a group's", (guest) => guest.file({ path: "/etc/a", content: "", group: "adm" }), false],
    ["that gives way to one that is there", (guest) => guest.file({ path: "/etc/a", content: "", overwrite: false }), false],
    ["of root's in a user's home", (guest) => guest.user({ name: "ada" }).file({ path: "/home/ada/a", content: "" }), false],
    ["in a folder called as a user", (guest) => guest.user({ name: "ada" }).file({ path: "/home/adam/a", content: "" }), true],
    ["that making users writes into", (guest) => guest.file({ path: "/etc/subgid", content: "" }), false],
  ])("writes a file %s early or late", (_, change, isEarly) => {
    const guest = newDraft();
    change(guest);
    const [path = ""] = guest.files.map((file) => file.path);
    expect(config(guest).write_files.some((file) => file.path === path)).toBe(isEarly);
    expect(contentOf(guest, "/var/lib/glowplug/cloud-init/apply")?.includes(`file 000 0644`)).toBe(!isEarly);
  });

  it("takes no options", () => {
    expect(() => cloudInit({ version: "3" })).toThrow(expect.objectContaining({ code: "bad-spec", plugin: "cloud-init" }));
  });
});

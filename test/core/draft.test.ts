import { describe, expect, it } from "vitest";
import { draftGuest, type DraftInput } from "../../core/draft.ts";
import type { ReadyPort } from "../../core/model.ts";
import type { ResolvedSpec } from "../../core/spec-types.ts";

const ready: ReadyPort = { kind: "virtio-port", name: "ready" };
const input: DraftInput = {
  authorizedKey: "ssh-ed25519 AAAA glowplug web\n", hostKey: { privateKey: "PRIVATE\n\n", publicKey: "ssh-ed25519 BBBB" }, uid: 1234, mounts: [],
  readSource: (path, what) => (what === "the Ignition config" ? '{ "ignition": { "version": "3.4.0" } }' : `text of ${path}`),
};
/** The fields of a resolved spec that a draft is made of. */
type Parts = Partial<Pick<ResolvedSpec, "name" | "user" | "files" | "units" | "packages" | "run" | "timezone" | "ignitionPath" | "playbook">> & { imageUser?: string };
function draftOf({ imageUser = "core", ...parts }: Parts = {}, changes: Partial<DraftInput> = {}) {
  const spec = { name: "web", user: "core", files: [], units: [], packages: [], run: [], timezone: "Europe/Rome", image: { user: imageUser }, launcher: { ready }, provisioner: { name: "ignition", firstBoot: "ignition" }, ...parts };
  return draftGuest(spec as unknown as ResolvedSpec, { ...input, ...changes });
}

describe("the core's part of a guest", () => {
  it("has the login user and root with the machine's key, and nobody of the image's own", () => {
    const key = "ssh-ed25519 AAAA glowplug web";
    expect(draftOf().users).toEqual([
      { name: "root", authorizedKeys: [key] },
      { name: "core", uid: 1234, groups: ["sudo", "adm", "wheel", "systemd-journal"], authorizedKeys: [key] },
    ]);
    expect(draftOf({ user: "ada" }).users.slice(1)).toEqual([
      { name: "core", absent: true },
      { name: "ada", uid: 1234, groups: ["sudo", "adm", "wheel", "systemd-journal"], authorizedKeys: [key] },
    ]);
    expect(draftOf({ user: "root" }).users).toEqual([{ name: "root", authorizedKeys: [key] }]);
    expect(draftOf({ user: "ada", imageUser: "root" }).users.map((user) => user.name)).toEqual(["root", "ada"]);
  });

  it("lets the login user use sudo without a password", () => {
    expect(draftOf({ user: "ada" }).files.find((file) => file.path === "/etc/sudoers.d/90-glowplug")).toEqual({ path: "/etc/sudoers.d/90-glowplug", mode: 0o440, content: "ada ALL=(ALL:ALL) NOPASSWD: ALL\n" });
    expect(draftOf({ user: "root" }).files.some((file) => file.path.startsWith("/etc/sudoers.d"))).toBe(false);
  });

  it("offers one ssh host key, which only root reads", () => {
    expect(draftOf().files.filter((file) => file.path.startsWith("/etc/ssh/"))).toEqual([
      { path: "/etc/ssh/ssh_host_ed25519_key", mode: 0o600, content: "PRIVATE\n" },
      { path: "/etc/ssh/ssh_host_ed25519_key.pub", content: "ssh-ed25519 BBBB\n" },
      { path: "/etc/ssh/sshd_config.d/10-glowplug.conf", mode: 0o600, content: "HostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin prohibit-password\nMaxSessions 512\n" },
    ]);
    expect(draftOf().units.filter(({ name }) => name.startsWith("sshd")).map((unit) => [unit.name, unit.mask])).toEqual([["sshd-keygen@rsa.service", true], ["sshd-keygen@ecdsa.service", true]]);
  });

  it("sets the time zone by a relative link, as systemd wants it", () => {
    expect(draftOf().links).toEqual([{ path: "/etc/localtime", target: "../usr/share/zoneinfo/Europe/Rome" }]);
  });

  it.each(["../../etc/passwd", "", "Europe//Rome", "Europe/Rome/", "a b"])("refuses the time zone %j", (timezone) => {
    expect(() => draftOf({ timezone })).toThrow(expect.objectContaining({ code: "bad-spec" }));
  });

  it.each([["web", "web"], ["Web_1.test", "web-1-test"], ["9", "9"], ["a_", "a"], ["x".repeat(70), "x".repeat(63)]])("makes of the name %s the host name %s", (name, hostname) => {
    expect(draftOf({ name }).hostname).toBe(hostname);
  });

  it("looks for the playbook, though it is another's to run", () => {
    const readSource = (path: string, what: string): string => { throw new Error(`no ${what} at ${path}`); };
    expect(() => draftOf({ playbook: "/site.yml" }, { readSource })).toThrow("no the playbook at /site.yml");
  });

  it("carries the user's own config as it stands", () => {
    expect(draftOf().userConfig).toBeUndefined();
    const draft = draftOf({ ignitionPath: "/box.ign" });
    expect(draft.userConfig).toEqual({ path: "/box.ign", text: '{ "ignition": { "version": "3.4.0" } }' });
    expect(draft.parts.at(-1)).toEqual({ what: "config /box.ign" });
  });

  it("takes files, units, packages, commands and volumes of the spec, and reads the sources of files", () => {
    const mount = { tag: "vol0", kind: "virtiofs", target: "/data", readOnly: true } as const;
    const guest = draftOf({
      files: [{ path: "/etc/a", content: "a", user: "core" }, { path: "/etc/b", source: "./b.txt", mode: 0o600 }],
      units: [{ name: "a.service", content: "[Install]\n" }], packages: ["git"], run: ["true", "false"],
    }, { mounts: [mount] });
    expect(guest.files.slice(-2)).toEqual([{ path: "/etc/a", content: "a", user: "core" }, { path: "/etc/b", mode: 0o600, content: "text of ./b.txt" }]);
    expect(guest.units.at(-1)).toEqual({ name: "a.service", content: "[Install]\n", enabled: true });
    expect(guest.packages).toEqual(["git"]);
    expect(guest.commands).toEqual([{ command: "true" }, { command: "false" }]);
    expect(guest.mounts).toEqual([mount]);
  });
});

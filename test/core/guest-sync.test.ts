import { chmodSync, lstatSync, mkdirSync, readlinkSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { syncGuestFiles, type SyncedPath, type SyncOptions } from "../../core/guest-sync.ts";
import { guestRoot, type GuestRoot } from "../support/guest-root.ts";

const sync = (guest: GuestRoot, paths: readonly SyncedPath[], options: Partial<SyncOptions> = {}): Promise<boolean> => syncGuestFiles(guest.event(), paths, { plugin: "test", ...options });
const motto = { path: "/etc/a/motto", content: "one\n" } as const;

describe("files of the guest", () => {
  it("are written with their modes, folders included, and left alone when they are right", async () => {
    const guest = guestRoot();
    const paths = [motto, { path: "/etc/secret", content: "s", mode: 0o600 }, { path: "/etc/empty", content: "" }];
    expect(await sync(guest, paths)).toBe(true);
    expect(paths.map(({ path }) => [guest.read(path), (statSync(join(guest.folder, path)).mode & 0o777).toString(8)])).toEqual([["one\n", "644"], ["s", "600"], ["", "644"]]);
    const before = statSync(join(guest.folder, motto.path)).ino;
    expect(await sync(guest, paths)).toBe(false);
    expect(statSync(join(guest.folder, motto.path)).ino).toBe(before);
  });

  it.each<[string, (guest: GuestRoot) => void]>([
    ["another text", (guest) => guest.write(motto.path, "two\n")],
    ["another text of the same length", (guest) => guest.write(motto.path, "eno\n")],
    ["another mode", (guest) => chmodSync(join(guest.folder, motto.path), 0o600)],
  ])("are replaced when they have %s", async (_, change) => {
    const guest = guestRoot();
    guest.write(motto.path, motto.content);
    change(guest);
    expect(await sync(guest, [motto])).toBe(true);
    expect([guest.read(motto.path), (statSync(join(guest.folder, motto.path)).mode & 0o777).toString(8)]).toEqual(["one\n", "644"]);
  });

  it("hold any text: quotes, dollars, no last newline, more than a pipe takes at once", async () => {
    const guest = guestRoot();
    const paths = [{ path: "/etc/odd", content: "it's \"$HOME\" `id` \\n %s\nEOF" }, { path: "/etc/umlaut", content: "grüße" }, { path: "/etc/long", content: "0123456789abcdef".repeat(20_000) }, motto];
    expect(await sync(guest, paths)).toBe(true);
    expect(paths.map(({ path }) => guest.read(path))).toEqual(paths.map(({ content }) => content));
    expect(await sync(guest, paths)).toBe(false);
  });

  it("show nothing of their text in a command line", async () => {
    const guest = guestRoot();
    await sync(guest, [{ path: "/etc/secret", content: "hunter2" }]);
    expect(guest.commands.join()).not.toContain("hunter2");
  });

  it("replace a link by a file, and do not write through it", async () => {
    const guest = guestRoot();
    guest.write("/etc/elsewhere", "mine\n");
    mkdirSync(join(guest.folder, "etc/a"));
    symlinkSync("../elsewhere", join(guest.folder, motto.path));
    await sync(guest, [motto]);
    expect([lstatSync(join(guest.folder, motto.path)).isFile(), guest.read("/etc/elsewhere")]).toEqual([true, "mine\n"]);
  });

  it("can be left out where the guest has none of the name", async () => {
    const guest = guestRoot();
    const paths = [{ path: "/etc/a/there", content: "x\n", ifThere: true }, motto];
    expect([await sync(guest, paths), guest.read("/etc/a/there"), guest.read(motto.path)]).toEqual([true, undefined, "one\n"]);
    guest.write("/etc/a/there", "");
    expect([await sync(guest, paths), guest.read("/etc/a/there")]).toEqual([true, "x\n"]);
  });

  it("are taken away, once", async () => {
    const guest = guestRoot();
    guest.write("/etc/old", "x");
    expect(await sync(guest, [{ path: "/etc/old", absent: true }])).toBe(true);
    expect([guest.read("/etc/old"), await sync(guest, [{ path: "/etc/old", absent: true }])]).toEqual([undefined, false]);
  });
});

describe("links of the guest", () => {
  const link = { path: "/etc/localtime", link: "../usr/share/zoneinfo/UTC" } as const;

  it("are made to what is there, and left alone when they are right", async () => {
    const guest = guestRoot();
    guest.write("/usr/share/zoneinfo/UTC", "");
    guest.write("/etc/localtime", "a file\n");
    expect([await sync(guest, [link]), await sync(guest, [link])]).toEqual([true, false]);
    expect(readlinkSync(join(guest.folder, link.path))).toBe(link.link);
  });

  it("are not made to what is missing", async () => {
    const guest = guestRoot();
    await expect(sync(guest, [link], { hint: "Install time zones." })).rejects.toMatchObject({
      code: "ssh", plugin: "test", stage: "afterStart", message: "cannot bring /etc/localtime in the guest up to date: ../usr/share/zoneinfo/UTC is not there", hint: "Install time zones.",
    });
  });
});

describe("the command after a change", () => {
  it("runs after a change, and not without one", async () => {
    const guest = guestRoot();
    guest.program("reload");
    const options = { onChange: "reload now" };
    expect([await sync(guest, [motto], options), await sync(guest, [motto], options)]).toEqual([true, false]);
    expect(guest.called()).toEqual(["reload now"]);
  });

  it("runs again at the next call when it failed, though nothing is left to change", async () => {
    const guest = guestRoot();
    guest.program("reload", "echo no room >&2\nexit 1");
    await expect(sync(guest, [motto], { onChange: "reload now" })).rejects.toMatchObject({ message: "cannot bring /etc/a/motto in the guest up to date: no room" });
    guest.program("reload");
    expect([await sync(guest, [motto], { onChange: "reload now" }), await sync(guest, [motto], { onChange: "reload now" })]).toEqual([true, false]);
    expect(guest.called()).toEqual(["reload now", "reload now"]);
  });

  it("can print what it wants", async () => {
    const guest = guestRoot();
    guest.program("reload", "echo much");
    expect(await sync(guest, [motto], { onChange: "reload" })).toBe(true);
  });
});

describe("what cannot be done", () => {
  it("is an error when a folder is in the way", async () => {
    const guest = guestRoot();
    mkdirSync(join(guest.folder, motto.path), { recursive: true });
    await expect(sync(guest, [motto])).rejects.toMatchObject({ message: expect.stringMatching(/up to date: .*\/etc\/a\/motto is a folder$/) });
  });

  it("is an error, and the old file stays, when the text does not arrive whole", async () => {
    const guest = guestRoot();
    guest.write(motto.path, "old\n");
    const { ssh, ...rest } = guest.event();
    const cut = { exec: (command: string | readonly string[], options = {}) => ssh.exec(command, { ...options, input: "on" }) };
    await expect(syncGuestFiles({ ...rest, ssh: cut }, [motto], { plugin: "test" })).rejects.toMatchObject({ message: expect.stringContaining("did not arrive") });
    expect(guest.read(motto.path)).toBe("old\n");
  });

  it("is told by its exit status when the guest says nothing", async () => {
    const event = { ...guestRoot().event(), ssh: { exec: async () => ({ exitCode: 7, stdout: "", stderr: "" }) } };
    await expect(syncGuestFiles(event, [motto], { plugin: "test" })).rejects.toMatchObject({ message: "cannot bring /etc/a/motto in the guest up to date: exit status 7" });
  });
});

it("an ordinary user's guest is spoken to through sudo, without a password", async () => {
  const guest = guestRoot();
  guest.program("sudo", 'shift\nexec "$@"');
  const event = guest.event();
  expect(await syncGuestFiles({ ...event, machine: { ...event.machine, user: "core" } }, [motto], { plugin: "test" })).toBe(true);
  expect(guest.commands[0]).toMatch(/^sudo -n \/bin\/sh -c /);
});

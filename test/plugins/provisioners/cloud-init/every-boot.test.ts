import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { GuestDraft } from "glowplug";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { finishGuest } from "../../../../core/first-boot.ts";
import cloudInit from "../../../../plugins/provisioners/cloud-init.ts";

/** A guest that is a folder: its paths lead into the folder, and programs that need root only take notes. */
let folder = "";
const inside = (text: string): string => text.replaceAll(/(?<![\w./-])\/(?=(etc|usr|var|home|run|srv|sys)\/|dev\/virtio-ports)/g, `${folder}/`);
const at = (path: string): string => join(folder, path);
const read = (path: string): string => readFileSync(at(path), "utf8");
function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
  chmodSync(at(path), mode);
}
const program = (name: string, text = ""): void => write(`bin/${name}`, `#!/bin/sh\necho "${name} $*" >> ${folder}/calls\n${inside(text)}\n`, 0o755);
const calls = (name = ""): string[] => (existsSync(at("calls")) ? read("calls").trim().split("\n").filter((line) => line.startsWith(name)) : []);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gp-"));
  mkdirSync(at("bin"));
  mkdirSync(at("dev/virtio-ports"), { recursive: true });
  for (const name of ["chown", "groupadd", "addgroup", "userdel", "deluser", "mount"]) program(name);
  program("id", 'case $1 in -u) echo 1000 ;; -nG) echo ada sudo ;; *) exit 1 ;; esac');
  write("etc/passwd", "ada:x:1000:1000::/home/ada:/bin/sh\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Config { readonly bootcmd: readonly string[]; readonly write_files: readonly { readonly path: string; readonly permissions: string; readonly content: string }[] }
/** Where the small programs of a guest come from: sh, mkdir, mv and their like. Those that change users are in no such folder. */
let programs = "";
const shell = (...argv: string[]) => spawnSync(`${programs}/sh`, argv, { encoding: "utf8", cwd: "/", env: { PATH: `${at("bin")}:${programs}` } });

/** What cloud-init does with the seed of a draft: the early commands, then the files. */
function takeSeed(change: (guest: GuestDraft) => unknown): void {
  const guest = new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });
  change(guest);
  finishGuest(guest);
  const seed = cloudInit().render(guest);
  const { bootcmd, write_files: files } = parse(seed.kind === "nocloud" ? seed.files["user-data"] ?? "" : "") as Config;
  shell("-c", inside(bootcmd.join("\n")));
  for (const { path, permissions, content } of files) write(path, inside(content), Number.parseInt(permissions, 8));
}
function boot() {
  rmSync(at("dev/virtio-ports/ready"), { force: true });
  const { status, stdout } = shell(at("var/lib/cloud/scripts/per-boot/50-glowplug"));
  return { status, stdout, ready: existsSync(at("dev/virtio-ports/ready")) ? read("dev/virtio-ports/ready") : undefined };
}

describe.each(["GNU", "busybox"])("with small programs of %s", (kind) => {
  beforeAll(() => {
    programs = "/bin";
    if (kind !== "busybox") return;
    programs = mkdtempSync(join(tmpdir(), "gp-"));
    execFileSync("/bin/busybox", ["--install", "-s", programs]);
    // Debian's busybox as a shell would take its own programs before ours, which do no harm.
    for (const name of ["sh", "mount", "chown", "id"]) rmSync(join(programs, name));
    symlinkSync("/bin/sh", join(programs, "sh"));
  });
  afterAll(() => {
    if (kind === "busybox") rmSync(programs, { recursive: true });
  });

  describe("the end of a first boot", () => {
    it("lays folders, files of users and links down", () => {
      takeSeed((guest) => guest.user({ name: "ada", uid: 1000 }).folder({ path: "/srv/ada", mode: 0o700, user: "ada" })
        .file({ path: "/home/ada/.ssh/config", content: "'it' $HOME\n", mode: 0o600, user: "ada" }).link({ path: "/etc/localtime", target: "../usr/share/zoneinfo/UTC" }));
      expect(boot()).toEqual({ status: 0, stdout: "", ready: "Ready\n" });
      expect(statSync(at("srv/ada")).mode & 0o777).toBe(0o700);
      expect(read("home/ada/.ssh/config")).toBe("'it' $HOME\n");
      expect(statSync(at("home/ada/.ssh/config")).mode & 0o777).toBe(0o600);
      expect(readlinkSync(at("etc/localtime"))).toBe("../usr/share/zoneinfo/UTC");
      expect(calls("chown")).toEqual([`chown ada:ada ${at("home/ada/.ssh")}`, `chown ada:ada ${at("srv/ada")}`, `chown ada:ada ${at("home/ada/.ssh/config.glowplug-new")}`]);
    });

    it("keeps what is there where the draft says so, and else replaces it, be it a folder or a link", () => {
      write("etc/kept", "old\n");
      symlinkSync("nowhere", at("etc/kept-link"));
      write("srv/target", "untouched\n");
      symlinkSync(at("srv/target"), at("etc/early"));
      symlinkSync(at("srv/target"), at("etc/late"));
      mkdirSync(at("etc/folder/sub"), { recursive: true });
      write("etc/linked/sub", "");
      takeSeed((guest) => guest.file({ path: "/etc/kept", content: "new\n", overwrite: false }).link({ path: "/etc/kept-link", target: "/x", overwrite: false })
        .file({ path: "/etc/early", content: "new\n" }).file({ path: "/etc/late", content: "new\n", user: "ada" }).file({ path: "/etc/folder", content: "new\n", user: "ada" }).link({ path: "/etc/linked", target: "/x" }));
      expect(boot()).toMatchObject({ status: 0, ready: "Ready\n" });
      expect([read("etc/kept"), readlinkSync(at("etc/kept-link")), read("srv/target"), readlinkSync(at("etc/linked"))]).toEqual(["old\n", "nowhere", "untouched\n", "/x"]);
      for (const path of ["etc/early", "etc/late", "etc/folder"]) expect([path, lstatSync(at(path)).isFile(), read(path)]).toEqual([path, true, "new\n"]);
    });

    it("leaves nothing of its own behind but the scripts of each boot", () => {
      takeSeed((guest) => guest.file({ path: "/etc/secret", content: "s\n", mode: 0o600, user: "ada" }));
      boot();
      expect(existsSync(at("var/lib/glowplug/cloud-init"))).toBe(false);
    });

    it("is over after one boot", () => {
      takeSeed((guest) => guest.file({ path: "/etc/mine", content: "first\n", user: "ada" }).run(`echo ran >> ${folder}/ran`));
      boot();
      write("etc/mine", "changed\n");
      expect(boot()).toEqual({ status: 0, stdout: "", ready: "Ready\n" });
      expect([read("etc/mine"), read("ran")]).toEqual(["changed\n", "ran\n"]);
    });

    it("tells the host what could not be done, and tries again at the next boot", () => {
      program("chown", 'case $1 in ada:*) echo "chown: invalid user: ada" >&2; exit 1 ;; esac');
      takeSeed((guest) => guest.file({ path: "/etc/a", content: "a\n" }).file({ path: "/etc/b", content: "b\n", user: "ada" }).run(`echo ran >> ${folder}/ran`));
      expect(boot()).toMatchObject({ status: 1, ready: `Failed first boot: file ${at("etc/b")}: chown: invalid user: ada\n` });
      expect(existsSync(at("ran"))).toBe(false);
      program("chown");
      expect(boot()).toMatchObject({ status: 0, ready: "Ready\n" });
      expect([read("etc/b"), read("ran")]).toEqual(["b\n", "ran\n"]);
    });
  });

  describe("a user", () => {
    it.each<[string, string, Parameters<GuestDraft["user"]>[0], string]>([
      ["was not made", 'echo "id: ada: no such user" >&2; exit 1', { name: "ada" }, "Failed first boot: user ada: id: ada: no such user\n"],
      ["has another id", "echo 1001", { name: "ada", uid: 1000 }, "Failed first boot: user ada: it has the id 1001 and should have 1000\n"],
    ])("that %s is told of", (_, text, user, line) => {
      program("id", text);
      takeSeed((guest) => guest.user(user));
      expect(boot().ready).toBe(line);
    });

    it("that the image has gets the groups and the shell that it lacks", () => {
      write("etc/group", "sudo:x:27:ada\nvideo:x:44:\nada:x:1000:\n");
      program("usermod");
      takeSeed((guest) => guest.user({ name: "ada", groups: ["sudo", "video"], shell: "/bin/bash" }));
      expect(boot().ready).toBe("Ready\n");
      expect(calls().filter((line) => /^(usermod|groupadd)/.test(line))).toEqual(["usermod -s /bin/bash ada", "usermod -a -G video ada"]);
    });

    it("is put into groups by addgroup where there is no usermod", () => {
      write("etc/group", "sudo:x:27:ada\nvideo:x:44:\nada:x:1000:\n");
      takeSeed((guest) => guest.user({ name: "ada", groups: ["sudo", "video"] }));
      expect(boot().ready).toBe("Ready\n");
      expect(calls("addgroup")).toEqual(["addgroup ada video"]);
    });

    it.each([["groupadd", ["groupadd -r wheel", "groupadd -g 1000 ada", "groupadd bob"]], ["addgroup", ["addgroup -S wheel", "addgroup -g 1000 ada", "addgroup bob"]]])("has its groups made early, by %s", (tool, lines) => {
      write("etc/group", "sudo:x:27:\n");
      program("getent", "exit 2");
      if (tool === "addgroup") program("groupadd", "exit 127");
      takeSeed((guest) => guest.user({ name: "ada", uid: 1000, groups: ["sudo", "wheel"] }).user({ name: "bob", groups: ["wheel"] }));
      expect(calls(tool)).toEqual(lines);
    });

    it("whose id another group has gets a group of its own nevertheless", () => {
      write("etc/group", "");
      program("getent", "exit 2");
      program("groupadd", 'case $1 in -g) exit 4 ;; esac');
      takeSeed((guest) => guest.user({ name: "ada", uid: 1000 }));
      expect(calls("groupadd")).toEqual(["groupadd -g 1000 ada", "groupadd ada"]);
    });

    it("that the draft does not want is taken away early, once, if the image has it", () => {
      program("id", 'case $1 in debian) ;; -u) echo 1000 ;; *) exit 1 ;; esac');
      takeSeed((guest) => guest.user({ name: "debian", absent: true }).user({ name: "fedora", absent: true }));
      expect(calls("userdel")).toEqual(["userdel -r debian"]);
      boot();
      takeSeed((guest) => guest.user({ name: "debian", absent: true }));
      expect(calls("userdel")).toHaveLength(1);
    });
  });

  describe("a guest with systemd", () => {
    const wanted = 'case "$*" in *WantedBy*multi.service) printf "multi-user.target\\n\\n" ;; *WantedBy*sleeper.service) echo sleep.target ;; *"is-active sleep.target") exit 3 ;; *"NeedDaemonReload --value user@1000.service") echo yes ;; list-units*user*) echo "user@1000.service loaded active running" ;; list-units*multi.service*) echo "multi.service loaded active running" ;; esac';
    beforeEach(() => mkdirSync(at("run/systemd/system"), { recursive: true }));

    it("has its units enabled and started, those that are not wanted stopped, and those that run with old settings started anew", () => {
      program("systemctl", wanted);
      takeSeed((guest) => guest.unit({ name: "multi.service", content: "[Install]\nWantedBy=multi-user.target\n" }).unit({ name: "sleeper.service", enabled: true })
        .unit({ name: "off.service", enabled: false }).unit({ name: "masked.service", mask: true }).unit({ name: "user@.service", dropins: [{ name: "a.conf", content: "[Service]\n" }] }));
      expect(boot()).toEqual({ status: 0, stdout: "", ready: undefined });
      expect(readlinkSync(at("etc/systemd/system/masked.service"))).toBe("/dev/null");
      const changes = calls("systemctl").filter((line) => !/ (list-units|show|--quiet is-active) /.test(line)).map((line) => line.replace("systemctl ", ""));
      expect(changes).toEqual([
        "--no-reload --quiet disable off.service", "stop off.service", "--no-reload --quiet disable masked.service", "stop masked.service",
        "--no-reload --quiet enable multi.service", "--no-reload --quiet enable sleeper.service", "--no-reload --quiet enable glowplug-ready.service", "daemon-reload",
        "--no-block try-restart user@1000.service", "--no-block start multi.service",
      ]);
    });

    it("leaves commands and the ready signal to units", () => {
      program("systemctl", 'case "$*" in *WantedBy*) echo multi-user.target ;; esac');
      takeSeed((guest) => guest.run(`echo ran >> ${folder}/ran`));
      expect(boot()).toMatchObject({ status: 0, ready: undefined });
      expect(calls("systemctl --no-block start")).toEqual(["systemctl --no-block start glowplug-first-boot.service", "systemctl --no-block start glowplug-ready.service"]);
      expect(existsSync(at("ran"))).toBe(false);
      rmSync(at("calls"));
      expect(boot()).toMatchObject({ status: 0 });
      expect(calls()).toEqual([]);
    });

    it("says which units are not there", () => {
      program("systemctl", 'case "$*" in *"enable no.service") exit 1 ;; esac');
      takeSeed((guest) => guest.unit({ name: "no.service", enabled: true }));
      expect(boot()).toMatchObject({ status: 0, stdout: "the unit no.service is not there\n" });
    });

    it("tells of a failure by the unit, which may not be enabled yet", () => {
      program("systemctl");
      program("chown", "exit 1");
      takeSeed((guest) => guest.folder({ path: "/srv/x" }));
      expect(boot()).toMatchObject({ status: 1 });
      expect(calls("systemctl")).toEqual(["systemctl daemon-reload", "systemctl --no-block start glowplug-ready.service"]);
      expect(read("var/lib/glowplug/failed")).toBe(`first boot: folder ${at("srv/x")}: failed\n`);
    });
  });

  describe("a guest without systemd", () => {
    it("says whose units are left out, and not that ours are", () => {
      takeSeed((guest) => guest.unit({ name: "web.service", content: "[Service]\n" }).run("true"));
      expect(boot().stdout).toBe("no systemd runs here: nothing is done about web.service\n");
    });

    it("has volumes in its table of file systems, once", () => {
      takeSeed((guest) => guest.mount({ tag: "volume-1", kind: "virtiofs", target: "/srv/a b", readOnly: false }));
      boot();
      expect(read("etc/fstab")).toBe(`volume-1 ${folder}/srv/a\\040b virtiofs rw,nofail 0 0\n`);
      expect(calls("mount")).toEqual([`mount ${folder}/srv/a b`]);
    });

    it("tells of a command that fails, at each boot until it does not", () => {
      takeSeed((guest) => guest.run(`test -e ${folder}/fixed`));
      expect(boot()).toMatchObject({ status: 1, ready: `Failed first boot: command 1 (test -e ${folder}/fixed): exit status 1\n`.replace(/\(.{60,}\)/, (text) => `(${text.slice(1, 60)}…)`) });
      writeFileSync(at("fixed"), "");
      expect(boot()).toMatchObject({ status: 0, ready: "Ready\n" });
    });

    it("finds the ready port by its number where nobody gives it its name", () => {
      rmSync(at("dev/virtio-ports"), { recursive: true });
      write("sys/class/virtio-ports/vport9p9/name", "ready\n");
      takeSeed(() => {});
      const script = read("var/lib/glowplug/ready").replaceAll("/dev/${known", `${folder}/$\{known`);
      write("var/lib/glowplug/ready", script);
      boot();
      expect(read("vport9p9")).toBe("Ready\n");
    });
  });
});

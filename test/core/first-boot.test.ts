import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { finishGuest } from "../../core/first-boot.ts";
import { GuestDraft } from "../../core/guest.ts";
import type { ReadyPort } from "../../core/model.ts";

const port: ReadyPort = { kind: "virtio-port", name: "org.glowplug.ready-0" };
function finished(change: (guest: GuestDraft) => unknown = () => {}, ready = port): GuestDraft {
  const guest = new GuestDraft({ hostname: "web", ready });
  change(guest);
  finishGuest(guest);
  return guest;
}
const unitText = (guest: GuestDraft, name: string) => guest.units.find((unit) => unit.name === name)?.content;

describe("the ready unit", () => {
  it("runs at every boot, after ssh works and after what plugins named", () => {
    const guest = finished((draft) => draft.readyAfter("podman.socket"));
    expect(guest.units).toEqual([{ name: "glowplug-ready.service", enabled: true, content: `[Unit]
Description=Tell the host that the machine is up
Requires=dev-virtio\\x2dports-org.glowplug.ready\\x2d0.device
Wants=network-online.target podman.socket
After=network-online.target systemd-user-sessions.service ssh.service sshd.service ssh.socket sshd.socket glowplug-grow.service glowplug-first-boot.service dev-virtio\\x2dports-org.glowplug.ready\\x2d0.device podman.socket

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /var/lib/glowplug/ready

[Install]
WantedBy=multi-user.target
` }, {
      name: "dev-virtio\\x2dports-org.glowplug.ready\\x2d0.device",
      dropins: [{ name: "10-glowplug.conf", content: "[Unit]\nJobTimeoutSec=infinity\nJobRunningTimeoutSec=infinity\n" }],
    }]);
  });

  it("needs no device for vsock", () => {
    const guest = finished(() => {}, { kind: "vsock", port: 1025 });
    expect(unitText(guest, "glowplug-ready.service")).not.toContain(".device");
    expect(guest.files[0]?.content).toContain("| socat -u - VSOCK-CONNECT:2:1025\n");
  });
});

describe("the first-boot unit", () => {
  it("is there only if there is something to do", () => {
    expect(finished().files.map((file) => file.path)).toEqual(["/var/lib/glowplug/ready"]);
  });

  it("runs until all is done, after the network and what plugins named", () => {
    expect(unitText(finished((draft) => draft.run("true").readyAfter("podman.socket")), "glowplug-first-boot.service")).toBe(`[Unit]
Description=Packages and commands of the first boot
ConditionPathExists=!/var/lib/glowplug/first-boot.done
Wants=network-online.target
After=network-online.target podman.socket

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=HOME=/root
ExecStart=/bin/sh /var/lib/glowplug/first-boot
StandardOutput=journal+console
StandardError=inherit

[Install]
WantedBy=multi-user.target
`);
  });

  it("is the same when a draft is finished twice", () => {
    const guest = finished((draft) => draft.package("git").run("true"));
    const before = JSON.stringify([guest.files, guest.units]);
    finishGuest(guest);
    expect(JSON.stringify([guest.files, guest.units])).toBe(before);
  });
});

describe("the first-boot script, run by a real shell", () => {
  let folder = "";
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "glowplug-first-boot-")); });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Puts the files of a draft below the folder; the guest's paths in them are turned into ones there. */
  function install(guest: GuestDraft): void {
    for (const { path, content = "" } of guest.files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content.replaceAll("/var/lib/glowplug", `${folder}/var/lib/glowplug`).replaceAll("/dev/virtio-ports", folder));
    }
  }
  const run = (script: string, path = process.env["PATH"]) => spawnSync("/bin/sh", [join(folder, "var/lib/glowplug", script)], { encoding: "utf8", cwd: "/", env: { PATH: path } });
  const readyLine = () => {
    run("ready");
    return readFileSync(join(folder, "org.glowplug.ready-0"), "utf8");
  };
  /** A folder of programs that write down how they were called; each goes on with the text given. */
  function fakePrograms(programs: Record<string, string>): string {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    for (const [name, text] of Object.entries(programs)) writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${folder}/called\n${text}\n`, { mode: 0o755 });
    for (const name of ["sh", "mkdir", "rm"]) writeFileSync(join(bin, name), `#!/bin/sh\nexec /bin/${name} "$@"\n`, { mode: 0o755 });
    return bin;
  }
  const called = () => readFileSync(join(folder, "called"), "utf8").trim().split("\n");

  it("runs every command once, in order, and then says Ready", () => {
    install(finished((draft) => draft.run(`echo one >> ${folder}/said`).run(`echo two >> ${folder}/said\necho three >> ${folder}/said`)));
    expect(run("first-boot").status).toBe(0);
    expect(readFileSync(join(folder, "said"), "utf8")).toBe("one\ntwo\nthree\n");
    expect(existsSync(join(folder, "var/lib/glowplug/first-boot.done"))).toBe(true);
    expect(readyLine()).toBe("Ready\n");
    expect(run("first-boot").status).toBe(0);
    expect(readFileSync(join(folder, "said"), "utf8")).toBe("one\ntwo\nthree\n");
  });

  it("stops at a command that fails, tells which, and goes on there at the next boot", () => {
    install(finished((draft) => draft.run(`echo one >> ${folder}/said`).run(`# odd: \\n $HOME "%s"\ntest -e ${folder}/fixed; echo fixed >> ${folder}/said`).run(`echo last >> ${folder}/said`)));
    expect(run("first-boot").status).toBe(1);
    expect(readyLine()).toBe('Failed first boot: command 2 (# odd: \\n $HOME "%s"): exit status 1\n');
    expect(existsSync(join(folder, "var/lib/glowplug/first-boot.done"))).toBe(false);
    writeFileSync(join(folder, "fixed"), "");
    expect(run("first-boot").status).toBe(0);
    expect(readFileSync(join(folder, "said"), "utf8")).toBe("one\nfixed\nlast\n");
    expect(readyLine()).toBe("Ready\n");
  });

  it("shortens the command in the message to a line", () => {
    install(finished((draft) => draft.run(`false ${"x".repeat(80)}`)));
    run("first-boot");
    expect(readyLine()).toBe(`Failed first boot: command 1 (false ${"x".repeat(53)}…): exit status 1\n`);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ["apt-get", { "dpkg-query": "exit 1", "apt-get": "" }, ["apt-get -q update", "apt-get -q -y -o DPkg::Lock::Timeout=300 install git vim"]],
    ["dnf", { rpm: "exit 1", dnf: "" }, ["dnf -y install git vim"]],
    ["zypper", { rpm: "exit 1", zypper: "" }, ["zypper --non-interactive install git vim"]],
    ["pacman", { pacman: '[ "$1" != -Q ]' }, ["pacman -Sy --noconfirm --needed git vim"]],
    ["apk", { apk: '[ "$1" != info ]' }, ["apk add git vim"]],
  ])("installs packages before the commands, with the guest's own %s", (_, programs, installs) => {
    install(finished((draft) => draft.run("later").package("git", "vim")));
    const { status, stderr } = run("first-boot", fakePrograms({ ...programs, later: "" }));
    expect([status, stderr]).toEqual([0, ""]);
    expect(called().slice(-installs.length - 1)).toEqual([...installs, "later"]);
  });

  it("leaves out packages that are there, and then needs no package manager", () => {
    install(finished((draft) => draft.package("git", "vim")));
    expect(run("first-boot", fakePrograms({ rpm: "", dnf: "exit 9" })).status).toBe(0);
    expect(called()).toEqual(["rpm -q --whatprovides git", "rpm -q --whatprovides vim"]);
  });

  it("tells of packages that could not be installed", () => {
    install(finished((draft) => draft.package("git", "no-such")));
    run("first-boot", fakePrograms({ "dpkg-query": '[ "$4" = git ] && printf installed', "apt-get": '[ "$2" = update ] || exit 100' }));
    expect(called().at(-1)).toBe("apt-get -q -y -o DPkg::Lock::Timeout=300 install no-such");
    expect(readyLine()).toBe("Failed first boot: packages git no-such: exit status 100\n");
  });

  it("tells of a guest whose package manager it does not know", () => {
    install(finished((draft) => draft.package("git")));
    expect(run("first-boot", fakePrograms({})).stderr).toBe("none of rpm-ostree, apt-get, dnf, zypper, pacman and apk is here\n");
  });
});

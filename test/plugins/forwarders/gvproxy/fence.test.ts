import { execFile, spawn } from "node:child_process";
import { chownSync, copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { foreignHost, hostOfProcess } from "../../../../core/host.ts";
import { openFolders, sealFolders } from "../../../../core/keeper/seal.ts";
import type { HostFacts, ProbeResult } from "../../../../core/model.ts";
import { findFence, unfenced } from "../../../../plugins/forwarders/gvproxy/fence.ts";
import { hostOf } from "../../../fixtures/hosts.ts";
import { post } from "../../../support/forwarder.ts";
import { makeTestFolder } from "../../../support/folders.ts";
import { freePort } from "../../../support/free-port.ts";
import { landlockSetpriv } from "../../../support/landlock.ts";
import { processesOf } from "../../../support/world.ts";

const folder = "/run/user/1000/glowplug/web/net";
const gvproxy = "/usr/libexec/podman/gvproxy";
const lineOf = async (host: HostFacts): Promise<string | undefined> => {
  const fence = await findFence(host, folder, gvproxy);
  return fence && [fence.program, ...fence.words].join(" ");
};

describe("the fence of a host", () => {
  const programs = { bwrap: "/usr/bin/bwrap", setpriv: "/usr/bin/setpriv" };
  const refusals = { bwrap: { exitCode: 1, stderr: "bwrap: setting up uid map: Permission denied" }, setpriv: { exitCode: 1, stderr: "setpriv: unrecognized option '--landlock-access'" } };
  const forbidden = "fs:write-file,remove-dir,remove-file,make-char,make-dir,make-reg,make-sock,make-fifo,make-block,make-sym";

  it("is bubblewrap: the host read-only but for one folder, no home, no capability, and no end with the keeper", async () => {
    const host = hostOf("linux/amd64", { programs, files: ["/home/user"], answers: { "/usr/bin/bwrap": {} } });
    expect(await lineOf(host)).toBe(`/usr/bin/bwrap --ro-bind / / --tmpfs /home/user --ro-bind ${gvproxy} ${gvproxy} --remount-ro /home/user --bind ${folder} ${folder} --cap-drop ALL -- /usr/bin/setpriv --pdeathsig KILL -- ${gvproxy}`);
    expect(host.asked).toEqual([`/usr/bin/bwrap --ro-bind / / --tmpfs /home/user --ro-bind ${gvproxy} ${gvproxy} --remount-ro /home/user --cap-drop ALL -- /usr/bin/setpriv --pdeathsig KILL -- ${gvproxy} -version`]);
  });

  it("is Landlock where user namespaces are forbidden or bubblewrap is missing", async () => {
    const words = `--no-new-privs --landlock-access ${forbidden} --landlock-rule path-beneath:make-sock,remove-file:${folder} -- ${gvproxy}`;
    expect(await lineOf(hostOf("linux/amd64", { programs, answers: { "/usr/bin/bwrap": refusals.bwrap, "/usr/bin/setpriv": {} } }))).toBe(`/usr/bin/setpriv ${words}`);
    expect(await lineOf(hostOf("linux/amd64", { programs: { setpriv: "/usr/bin/setpriv" }, answers: { "/usr/bin/setpriv": {} } }))).toBe(`/usr/bin/setpriv ${words}`);
  });

  it("takes root's capabilities away under Landlock too", async () => {
    expect(await lineOf(hostOf("linux/amd64", { uid: 0, programs: { setpriv: "/usr/bin/setpriv" }, answers: { "/usr/bin/setpriv": {} } }))).toContain(" --inh-caps -all --bounding-set -all ");
  });

  it("ends with the keeper where bubblewrap is there and a full setpriv is not", async () => {
    const host = hostOf("linux/amd64", { programs: { bwrap: "/usr/bin/bwrap" }, answers: { "/usr/bin/bwrap": {} } });
    expect(await lineOf(host)).toBe(`/usr/bin/bwrap --ro-bind / / --bind ${folder} ${folder} --cap-drop ALL --die-with-parent -- ${gvproxy}`);
  });

  it("holds around a gvproxy that is too old to know -version", async () => {
    const answers = { "/usr/bin/bwrap": { exitCode: 2, stderr: "flag provided but not defined: -version\nUsage of gvproxy:\n" } };
    expect(await lineOf(hostOf("linux/amd64", { programs, answers }))).toContain("/usr/bin/bwrap");
  });

  it("is none where neither can be had, and that is told with what to install", async () => {
    const host = hostOf("linux/amd64", { programs, answers: { "/usr/bin/bwrap": refusals.bwrap, "/usr/bin/setpriv": refusals.setpriv } });
    expect(await lineOf(host)).toBeUndefined();
    expect(await lineOf(hostOf("linux/amd64"))).toBeUndefined();
    expect(unfenced(host)).toBe("gvproxy runs unfenced: whoever has the guest can make it replace files of yours by sockets: install bubblewrap to keep it from that, or a setpriv (util-linux 2.41) that knows Landlock.");
  });

  it("is sandbox-exec on macOS, with a profile that forbids writing but in one folder", async () => {
    const profile = '(version 1)(allow default)(deny file-write*)(allow file-write* (subpath (param "FOLDER")) (literal "/dev/null"))';
    expect(await lineOf(foreignHost("darwin/arm64"))).toBe(`sandbox-exec -D FOLDER=${folder} -p ${profile} ${gvproxy}`);
    const host = hostOf("darwin/arm64", { programs: { "sandbox-exec": "/usr/bin/sandbox-exec" }, answers: { "/usr/bin/sandbox-exec": { exitCode: 71, stderr: "sandbox-exec: sandbox_apply: Operation not permitted" } } });
    expect(await lineOf(host)).toBeUndefined();
    expect(host.asked).toEqual([`/usr/bin/sandbox-exec -D FOLDER=/var/empty -p ${profile} ${gvproxy} -version`]);
    expect(unfenced(host)).toBe("gvproxy runs unfenced: whoever has the guest can make it replace files of yours by sockets.");
  });

  it("looks through symbolic links, which no fence does", async () => {
    const { path, remove } = makeTestFolder();
    onTestFinished(remove);
    mkdirSync(join(path, "real"));
    symlinkSync(join(path, "real"), join(path, "link"));
    const fence = await findFence(hostOf("linux/amd64", { programs, answers: { "/usr/bin/bwrap": {} } }), join(path, "link/net"), gvproxy);
    expect(fence?.words).toContain(join(realpathSync(path), "real/net"));
  });
});

/** The real gvproxy within the real fences. Its control socket and the gateway's port 80 in the guest are one and the same handler. */
describe.each(["bubblewrap", "Landlock"] as const)("gvproxy fenced in by %s", (kind) => {
  describe.each(usersOf())("of %s", (_, uid) => {
    it("neither removes nor makes anything outside its own folder", async () => {
      const { home, api } = await start(kind, uid);
      for (const path of [join(home, "precious"), join(home, ".ssh"), join(home, "fresh.sock"), "/dev/shm/glowplug-fresh.sock"]) {
        const before = lookAt(path);
        expect(await expose(api, { local: path, remote: "tcp://192.168.127.2:80", protocol: "unix" }), path).toMatch(/(permission denied|read-only file system|no such file or directory)\n$/);
        expect(lookAt(path), path).toBe(before);
      }
      expect(readFileSync(join(home, "precious"), "utf8")).toBe("precious\n");
    });

    it.each(["into", "out of", "within"] as const)("is fenced in also where it was found by a link, %s the home folder that the fence hides", async (linked) => {
      const { home, api } = await start(kind, uid, linked);
      const path = join(home, "precious");
      expect(await expose(api, { local: path, remote: "tcp://192.168.127.2:80", protocol: "unix" })).toMatch(/(permission denied|read-only file system|no such file or directory)\n$/);
      expect(readFileSync(path, "utf8")).toBe("precious\n");
    });

    it("makes and removes nothing beside its own sockets either, once their folder is sealed", async () => {
      const { net, api } = await start(kind, uid);
      sealFolders({ role: "forwarder", listens: [api] }, { data: "/data", runtime: "/run", logs: "/logs" });
      onTestFinished(() => openFolders([api]));
      for (const name of ["api.sock", "vm.sock", "fresh.sock"]) {
        const before = lookAt(join(net, name));
        expect(await expose(api, { local: join(net, name), remote: "tcp://192.168.127.2:80", protocol: "unix" }), name).toMatch(/permission denied\n$/);
        expect(lookAt(join(net, name)), name).toBe(before);
      }
    });

    it("opens ports for the guest, and none that only root may open", async () => {
      const { api } = await start(kind, uid);
      const port = await freePort();
      expect(await expose(api, { local: `127.0.0.1:${port}`, remote: "192.168.127.2:80", protocol: "tcp" })).toBe("");
      const lowest = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
      expect(lowest).toBeGreaterThan(0);
      const local = `:${lowest - 1}`;
      expect(await expose(api, { local, remote: "192.168.127.2:80", protocol: "tcp" })).toBe(`listen tcp ${local}: bind: permission denied\n`);
    });

    it.each(["SIGTERM", "SIGKILL"] as const)("lives on without its parent, and ends by a %s to the process that was spawned", async (signal) => {
      const { pid, net, api } = await start(kind, uid);
      expect((await post(api, "/services/forwarder/all")).status).toBe(200);
      process.kill(pid, signal);
      await vi.waitFor(() => expect(processesOf(net)).toEqual([]), 10_000);
    });
  });

  interface Started {
    readonly home: string;
    readonly net: string;
    readonly api: string;
    /** Of the process that the keeper would know. */
    readonly pid: number;
  }

  async function start(fenceKind: typeof kind, uid: number, linked?: "into" | "out of" | "within"): Promise<Started> {
    const test = makeTestFolder();
    onTestFinished(test.remove);
    const at = (name: string): string => join(test.path, name);
    for (const name of ["net", "home", "home/.ssh"]) mkdirSync(at(name), { mode: 0o700 });
    const file = at(linked === "into" || linked === "within" ? "home/file" : "file");
    const program = linked === undefined ? file : at(linked === "into" ? "link" : "home/link");
    copyFileSync(hostOfProcess().find("gvproxy") ?? "", file);
    if (program !== file) symlinkSync(file, program);
    writeFileSync(at("home/precious"), "precious\n", { mode: 0o600 });
    const setpriv = fenceKind === "Landlock" ? landlockSetpriv(test.path) : hostOfProcess().find("setpriv");
    for (const path of [test.path, ...["net", "home", "home/.ssh", "home/precious", ].map(at), file]) chownSync(path, uid, uid);

    const host: HostFacts = {
      ...hostOfProcess(), uid, home: at("home"), probe: (file, argv) => probeAs(uid, file, argv),
      find: (name) => (name === "bwrap" && fenceKind === "Landlock" ? undefined : name === "setpriv" || name === setpriv ? setpriv : hostOfProcess().find(name)),
    };
    const fence = await findFence(host, at("net"), program);
    if (!fence) throw new Error(`this host lets user ${uid} build no fence of ${fenceKind}`);
    const argv = [...fence.words, "-listen-qemu", `unix://${at("net/vm.sock")}`, "-listen", `unix://${at("net/api.sock")}`, "-ssh-port", "-1"];
    const pid = await spawnOrphan(uid, fence.program, argv);
    onTestFinished(async () => {
      for (const line of processesOf(at("net"))) process.kill(Number.parseInt(line, 10), "SIGKILL");
      await vi.waitFor(() => expect(processesOf(at("net"))).toEqual([]), 10_000);
    });
    await vi.waitFor(() => expect(existsSync(at("net/api.sock"))).toBe(true), 10_000);
    return { home: at("home"), net: at("net"), api: at("net/api.sock"), pid };
  }
});

/** Root, where the tests run as root, and an ordinary user in any case. */
function usersOf(): readonly (readonly [string, number])[] {
  const own = process.getuid?.() ?? 0;
  return own === 0 ? [["root", 0], ["an ordinary user", 61_234]] : [["an ordinary user", own]];
}

async function expose(api: string, forward: Readonly<Record<string, string>>): Promise<string> {
  return (await post(api, "/services/forwarder/expose", forward)).text;
}

function lookAt(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined ? "nothing" : `${found.mode} ${found.ino}`;
}

function probeAs(uid: number, file: string, argv: readonly string[]): Promise<ProbeResult> {
  return new Promise((done) => {
    execFile(file, [...argv], { uid, gid: uid, cwd: "/" }, (error, stdout, stderr) => done({ exitCode: error ? 1 : 0, stdout, stderr }));
  });
}

/** Starts a program by a parent that ends at once; its process id. */
function spawnOrphan(uid: number, file: string, argv: readonly string[]): Promise<number> {
  const parent = 'const [file, ...argv] = process.argv.slice(1); const child = require("child_process").spawn(file, argv, { detached: true, stdio: "ignore", cwd: "/" }); child.once("spawn", () => { console.log(child.pid); process.exit(); });';
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, ["-e", parent, "--", file, ...argv], { uid, gid: uid, cwd: "/", stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (bytes: Buffer) => (text += bytes.toString()));
    child.once("error", reject).once("close", (code) => (code === 0 ? done(Number(text)) : reject(new Error(`the parent ended with ${code}`))));
  });
}

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MachineError } from "../../../core/errors.ts";
import type { KeeperStatus } from "../../../core/keeper/protocol.ts";
import { failuresFile, rememberFailure } from "../../../core/lifecycle/accelerator.ts";
import { takeLock } from "../../../core/lock.ts";
import { markUnfinished } from "../../../core/unfinished.ts";
import { certificates } from "../../fixtures/certificates.ts";
import { holdPort } from "../../support/free-port.ts";
import { healthyWard, type Ward } from "./ward.ts";

/** Types a fix that is a command, as a user would. */
function type(fix: string): void {
  execFileSync("/bin/sh", ["-euc", fix]);
}

/** What makes the ward sick; returns how it is cured, and gets the fix that was told. */
type Illness = (ward: Ward) => Promise<(fix: string) => unknown> | ((fix: string) => unknown);

const missing = (name: string): MachineError => new MachineError("missing-program", `${name} is not installed`, { hint: `\`sudo apt install ${name}\` installs it.` });
const lookingFor = (program: string): Illness => (ward) => {
  const { host } = ward.run;
  ward.host.find = (name, options) => (name === program ? undefined : host.find(name, options));
  return () => void delete ward.host.find;
};
const withStatus = (status: Ward["status"]): Illness => (ward) => {
  const before = ward.status;
  ward.status = status;
  return () => void (ward.status = before);
};
const withSpec = (spec: (ward: Ward) => Partial<Ward["record"]["spec"]> | Promise<Partial<Ward["record"]["spec"]>>, cure: (fix: string, ward: Ward) => unknown): Illness => async (ward) => {
  ward.record = { ...ward.record, spec: { ...ward.record.spec, ...(await spec(ward)) } };
  return (fix) => cure(fix, ward);
};
const unspec = (field: "cpus" | "memory", value: number) => (_: string, ward: Ward): void => void (ward.record = { ...ward.record, spec: { ...ward.record.spec, [field]: value } });

const illnesses: Readonly<Record<string, readonly [level: string, illness: Illness]>> = {
  "hypervisor-missing-program": ["broken", (ward) => {
    const { check } = ward.launcher;
    ward.launcher.check = () => { throw missing("hv"); };
    return () => void (ward.launcher.check = check);
  }],
  "hypervisor-old-program": ["broken", (ward) => {
    const { check } = ward.launcher;
    ward.launcher.check = () => { throw new MachineError("old-program", "hv is 1.0; version 2.0 or newer is needed", { hint: "Install a newer one." }); };
    return () => void (ward.launcher.check = check);
  }],
  "software-emulation": ["warning", (ward) => {
    const { accelerators } = ward.launcher;
    ward.launcher.accelerators = () => [{ name: "kvm", usable: false, reason: "/dev/kvm: permission denied" }, { name: "tcg", usable: true }];
    return () => void (ward.launcher.accelerators = accelerators);
  }],
  "no-accelerator": ["broken", (ward) => {
    const { accelerators } = ward.launcher;
    ward.launcher.accelerators = () => [{ name: "tcg", usable: false, reason: "this QEMU has no tcg" }];
    return () => void (ward.launcher.accelerators = accelerators);
  }],
  "accelerator-failed": ["note", async ({ run }) => {
    await rememberFailure("kvm", "a guest of web showed no sign of life", run);
    return (fix) => {
      expect(fix).toBe(`rm ${failuresFile(run)}`);
      type(fix);
    };
  }],
  "runs-in-software": ["warning", (ward) => {
    ward.record = { ...ward.record, last: { accelerator: "tcg", accelerators: [], notes: [], ports: [] } };
    ward.status = { state: "running", condition: "ok" };
    return () => {
      ward.record = { ...ward.record, last: { accelerator: "kvm", accelerators: [], notes: [], ports: [] } };
    };
  }],
  "start-note": ["note", (ward) => {
    const before = ward.record;
    ward.record = { ...before, last: { accelerator: "kvm", accelerators: [], notes: ["first runs unfenced: install a fence."], ports: [] } };
    return () => void (ward.record = before);
  }],
  "forwarder-missing-program": ["note", (ward) => {
    const [first] = ward.forwarders;
    const check = first?.check ?? (() => {});
    if (first) first.check = () => { throw missing("first"); };
    return () => { if (first) first.check = check; };
  }],
  "qemu-img-missing": ["broken", lookingFor("qemu-img")],
  "ssh-client-missing": ["note", lookingFor("ssh")],
  "folder-open": ["broken", ({ run: { paths } }) => {
    chmodSync(paths.data, 0o777);
    return type;
  }],
  "tools-in-doubt": ["warning", ({ run: { paths } }) => {
    mkdirSync(join(paths.tools, "gvproxy/usr/bin"), { recursive: true });
    chmodSync(join(paths.tools, "gvproxy/usr"), 0o777);
    return type;
  }],
  "folder-is-none": ["broken", ({ run: { paths, cwd } }) => {
    renameSync(paths.config, join(cwd, "elsewhere"));
    symlinkSync(join(cwd, "elsewhere"), paths.config);
    return type;
  }],
  "folder-foreign": ["broken", ({ run: { paths } }) => {
    chownSync(paths.config, 12345, 12345);
    return (fix) => type(fix.replace("sudo ", ""));
  }],
  "runtime-path-long": ["broken", (ward) => {
    const { runtime } = ward.run.paths;
    (ward.run.paths as { runtime: string }).runtime = `/${"r".repeat(100)}`;
    return () => void ((ward.run.paths as { runtime: string }).runtime = runtime);
  }],
  "memory-overcommitted": ["warning", (ward) => {
    ward.status = { state: "running", condition: "ok" };
    ward.host.memory = 2 ** 27;
    return () => void (ward.status = { state: "stopped", condition: "ok" });
  }],
  "host-clock-behind": ["broken", (ward) => {
    ward.record = { ...ward.record, lastUp: new Date(Date.now() + 365 * 86_400_000).toISOString() };
    return () => void (ward.record = { ...ward.record, lastUp: null });
  }],
  "proxy-unreadable": ["broken", (ward) => {
    ward.host.env = { HTTPS_PROXY: "proxy.example" };
    return (fix) => {
      const [, name = "", value = ""] = /^export (\w+)=(.*)$/.exec(fix) ?? [];
      ward.host.env = { [name]: value.replace("HOST:PORT", "proxy.example:3128") };
    };
  }],
  "ca-file-missing": ["broken", (ward) => {
    ward.host.env = { SSL_CERT_FILE: "/nowhere/ca.pem" };
    return (fix) => {
      expect(fix).toBe("unset SSL_CERT_FILE");
      ward.host.env = {};
    };
  }],
  "ca-file-empty": ["broken", (ward) => {
    const file = join(ward.run.cwd, "ca.pem");
    writeFileSync(file, "no certificate\n");
    ward.host.env = { NODE_EXTRA_CA_CERTS: file };
    return () => writeFileSync(file, certificates.company);
  }],
  "ca-expired": ["warning", (ward) => {
    const file = join(ward.run.cwd, "ca.pem");
    writeFileSync(file, "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n");
    ward.host.env = { SSL_CERT_FILE: file };
    return () => writeFileSync(file, certificates.company);
  }],
  "config-refused": ["broken", ({ run }) => {
    writeFileSync(join(run.cwd, "machine.yaml"), "cpus: 1\n");
    chownSync(join(run.cwd, "machine.yaml"), 12345, 12345);
    chmodSync(run.cwd, 0o777);
    return () => {
      chmodSync(run.cwd, 0o700);
      chownSync(join(run.cwd, "machine.yaml"), process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    };
  }],
  "image-damaged": ["broken", ({ record }) => {
    const { path } = record.image;
    const good = `${path}.good`;
    cpSync(path, good, { preserveTimestamps: true });
    chmodSync(path, 0o600);
    truncateSync(path, 4096);
    return () => renameSync(good, path);
  }],
  "image-unreadable": ["broken", ({ record }) => {
    const file = join(record.image.path, "../image.json");
    const good = readFileSync(file);
    writeFileSync(file, good.subarray(0, 40));
    return (fix) => {
      expect(fix).toBe("Bring the very same image in again: glowplug image pull");
      writeFileSync(file, good);
    };
  }],
  "images-unused": ["note", async (ward) => {
    const other = await healthyWard();
    const { id } = other.record.image;
    const elsewhere = join(ward.run.paths.store, "f".repeat(64));
    cpSync(join(other.run.paths.store, id), elsewhere, { recursive: true });
    writeFileSync(join(elsewhere, "image.json"), readFileSync(join(elsewhere, "image.json"), "utf8").replace(`"id":"${id}"`, `"id":"${"f".repeat(64)}"`).replace(`"id": "${id}"`, `"id": "${"f".repeat(64)}"`));
    return () => rmSync(elsewhere, { recursive: true });
  }],
  "downloads-unfinished": ["note", ({ run: { paths } }) => {
    mkdirSync(join(paths.partial, "sha256-abc"), { recursive: true });
    return () => rmSync(join(paths.partial, "sha256-abc"), { recursive: true });
  }],
  "record-damaged": ["broken", ({ run: { paths } }) => {
    const { data, record } = paths.machine("other");
    mkdirSync(data, { recursive: true, mode: 0o700 });
    writeFileSync(record, "{");
    return () => rmSync(data, { recursive: true });
  }],
  "verb-cut-off": ["warning", async ({ run: { paths } }) => {
    await markUnfinished(paths, "half", { verb: "init", undo: [], keep: [] });
    return () => rmSync(paths.machine("half").data, { recursive: true });
  }],
  "lock-held": ["note", async ({ run: { paths } }) => {
    const sleeper = execFileSync("/bin/sh", ["-c", "sleep 60 > /dev/null 2>&1 & echo $!"]).toString().trim();
    const lock = await takeLock(paths.machine("web").lock, { purpose: "glowplug start web" });
    const text = readFileSync(paths.machine("web").lock, "utf8");
    const start = readFileSync(`/proc/${sleeper}/stat`, "utf8").split(") ")[1]?.split(" ")[19] ?? "";
    lock.release();
    writeFileSync(paths.machine("web").lock, JSON.stringify({ ...(JSON.parse(text) as object), pid: Number(sleeper), startTime: start }));
    return (fix) => type(fix.replace(/^.*(kill \d+)$/, "$1; while kill -0 ${1#kill } 2> /dev/null; do :; done").replaceAll("${1#kill }", sleeper));
  }],
  orphaned: ["broken", withStatus({ state: "orphaned", condition: "orphaned", reason: "its keeper was lost; qemu still run" })],
  "processes-left": ["warning", withStatus({ state: "stopped", condition: "orphaned", reason: "its VM and its keeper are gone, but passt still run" })],
  "keeper-silent": ["broken", withStatus({ state: "running", condition: "broken", reason: "the keeper lives and does not answer" })],
  degraded: ["broken", withStatus({ state: "running", condition: "degraded", reason: "gvproxy was ended by SIGKILL" })],
  "start-unfinished": ["broken", withStatus({ state: "running", condition: "degraded", reason: "its start did not get to its end", unfinished: "it was killed", keeper: { problems: [] as readonly string[] } as KeeperStatus })],
  "ended-by-itself": ["note", withStatus({ state: "stopped", condition: "broken", reason: "the guest panicked, at 2026-01-01T00:00:00.000Z", ended: { at: "2026-01-01T00:00:00.000Z", reason: "the guest panicked" } })],
  "disk-missing": ["broken", ({ record }) => {
    renameSync(record.disk.path, `${record.disk.path}.away`);
    return () => renameSync(`${record.disk.path}.away`, record.disk.path);
  }],
  "base-missing": ["broken", ({ record }) => {
    renameSync(record.image.path, `${record.image.path}.away`);
    return () => renameSync(`${record.image.path}.away`, record.image.path);
  }],
  "base-damaged": ["broken", ({ record }) => {
    const { path } = record.image;
    cpSync(path, `${path}.good`, { preserveTimestamps: true });
    chmodSync(path, 0o600);
    const file = openSync(path, "r+");
    writeSync(file, "damage", 1000);
    utimesSync(path, 1, 1);
    return () => renameSync(`${path}.good`, path);
  }],
  "disk-leaks": ["note", ({ record }) => {
    // A cluster more in the table of reference counts than anything refers to: the last entries of the first block (docs/interop/qcow2.txt).
    execFileSync("qemu-io", ["-f", "qcow2", "-c", "write 0 1M", record.disk.path]);
    const disk = readFileSync(record.disk.path);
    const block = Number(disk.readBigUInt64BE(Number(disk.readBigUInt64BE(48))));
    const used = Math.ceil(disk.length / 65_536);
    disk.writeUInt16BE(1, block + 2 * (used + 3));
    writeFileSync(record.disk.path, Buffer.concat([disk, Buffer.alloc(65_536 * (used + 5) - disk.length)]));
    return type;
  }],
  "disk-errors": ["broken", ({ record }) => {
    execFileSync("qemu-io", ["-f", "qcow2", "-c", "write 0 1M", record.disk.path]);
    const disk = readFileSync(record.disk.path);
    const block = Number(disk.readBigUInt64BE(Number(disk.readBigUInt64BE(48))));
    for (let cluster = 4; cluster < 10; cluster += 1) disk.writeUInt16BE(0, block + 2 * cluster);
    writeFileSync(record.disk.path, disk);
    return type;
  }],
  "key-missing": ["broken", ({ record }) => {
    unlinkSync(record.ssh.keyFile);
    return () => writeFileSync(record.ssh.keyFile, "a key", { mode: 0o600 });
  }],
  "key-open": ["broken", ({ record }) => {
    chmodSync(record.ssh.keyFile, 0o644);
    return type;
  }],
  "port-taken": ["broken", async (ward) => {
    const { port: hostPort, close } = await holdPort();
    ward.record = { ...ward.record, spec: { ...ward.record.spec, ports: [{ host: "127.0.0.1", hostPort, guestPort: 80, protocol: "tcp" }] } };
    return close;
  }],
  "ssh-port-taken": ["note", async (ward) => {
    const { port, close } = await holdPort();
    ward.record = { ...ward.record, ssh: { ...ward.record.ssh, port } };
    return close;
  }],
  "script-missing": ["warning", withSpec(({ run }) => ({ script: join(run.cwd, "web.ts") }), (_, { run }) => writeFileSync(join(run.cwd, "web.ts"), "export default {};\n"))],
  "volume-missing": ["broken", withSpec(({ run }) => ({ volumes: [{ source: join(run.cwd, "shared"), target: "/srv", readOnly: false }] }), type)],
  "too-many-cpus": ["broken", withSpec(({ run }) => ({ cpus: run.host.cpus + 1 }), unspec("cpus", 1))],
  "too-much-memory": ["broken", withSpec(({ run }) => ({ memory: run.host.memory + 2 ** 20 }), unspec("memory", 2 ** 28))],
};

describe("the doctor", () => {
  it("finds nothing wrong with a host and a machine that are well", async () => {
    expect(await (await healthyWard()).findings()).toEqual([]);
  });

  it.each(Object.entries(illnesses))("finds %s, and nothing once its fix is applied", async (id, [level, illness]) => {
    const ward = await healthyWard();
    const cure = await illness(ward);
    const found = (await ward.findings()).filter((finding) => finding.id === id);
    expect(found, id).toHaveLength(1);
    const [finding] = found;
    expect(finding).toMatchObject({ level, what: expect.stringMatching(/^\S.*[^.]$/) as string, fix: expect.stringMatching(/\S/) as string });
    await cure(finding?.fix ?? "");
    expect((await ward.findings()).filter((after) => after.id === id)).toEqual([]);
  });

  it("tells a check that fails itself, and goes on with the others", async () => {
    const ward = await healthyWard();
    ward.launcher.accelerators = () => { throw new Error("no answer"); };
    expect(await ward.findings()).toEqual([{ id: "check-failed", level: "warning", what: "this could not be looked at: no answer", fix: expect.any(String) as string }]);
  });
});

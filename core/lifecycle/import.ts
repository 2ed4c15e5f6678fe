import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { writeFileDurably } from "../atomic.ts";
import { Command } from "../command.ts";
import { diskSize, growDisk } from "../disk.ts";
import { readDiskHeader } from "../disk-header.ts";
import { isMachineError, MachineError, messageOf } from "../errors.ts";
import type { PodmanMachine } from "../import/podman-machine.ts";
import { macOf } from "../mac.ts";
import { matchSlots } from "../match.ts";
import type { DiskFormat } from "../model.ts";
import { isPortFree, reservePort } from "../ports.ts";
import { runCommand } from "../process.ts";
import { runningProcesses } from "../process-table.ts";
import { findQemuImg } from "../qemu-img.ts";
import { noImage, type MachineRecord, type Undo } from "../record.ts";
import type { Run } from "../run.ts";
import { Scope } from "../scope.ts";
import { callPlugin } from "../spans.ts";
import { copyAndHash } from "../sparse-copy.ts";
import { saveSpec } from "../spec.ts";
import type { MachineSpec, ResolvedSpec } from "../spec-types.ts";
import { defaults } from "../spec/defaults.ts";
import { renderSshConfig } from "../ssh-config.ts";
import { alreadyExists, listRecords, writeRecord } from "../store.ts";
import { clearMark, markUnfinished } from "../unfinished.ts";
import { machineInfo } from "./facts.ts";
import { lockMachine } from "./lock-machine.ts";
import { planOutside, register, unregister } from "./outside.ts";
import { recover } from "./recover.ts";

/** What a machine of podman's says in the words of a spec. */
export function specOfPodman({ cpus, memory, disk, ssh, rootful, volumes, provider }: PodmanMachine): MachineSpec {
  const launcher = Object.hasOwn(defaults.providers, provider) ? defaults.providers[provider] : undefined;
  if (launcher === undefined) throw new MachineError("unsupported-host", `machines of podman's provider ${provider} cannot be taken over`, { hint: `Those of ${Object.keys(defaults.providers).join(", ")} can.` });
  return { cpus, memory: `${memory}MiB`, disk: `${disk}GiB`, user: ssh.user, rootful, volumes, launcher };
}

/**
 * Makes a machine of one that podman machine made, and leaves that one as it is: its disk and its key are copied, its login user, ports, mounts,
 * processors and memory kept. The guest's host key is learned at the first start. Throws MachineError "wrong-state" while podman's runs.
 */
export async function importMachine(from: PodmanMachine, spec: ResolvedSpec, overrides: Readonly<Record<string, unknown>>, run: Run): Promise<MachineRecord> {
  const { host, paths, report } = run;
  const files = paths.machine(spec.name);
  await callPlugin(run.trace, spec.launcher, "check", host);
  await callPlugin(run.trace, spec.forwarder, "check", host);
  matchSlots(spec);
  for (const path of [from.image, from.ssh.keyFile]) if (!existsSync(path)) throw new MachineError("not-found", `${path} is not there, which podman's record of ${from.name} names`, { hint: "Was the machine removed by hand?" });
  checkStopped(from);
  const lock = await lockMachine(spec.name, "import", run);
  try {
    if (await recover(spec.name, run)) throw alreadyExists(spec.name);
    return await Scope.run(report, async (scope) => {
      const port = await portFor(from, run);
      scope.defer(`files of ${spec.name}`, () => {
        for (const folder of [files.data, files.runtime]) rmSync(folder, { recursive: true, force: true });
      });
      await markUnfinished(paths, spec.name, { verb: "init", undo: [], keep: [] });
      mkdirSync(files.logs, { recursive: true, mode: 0o700 });
      const format = await copyDisk(from, files.disk, spec.launcher.formats, run);
      const disk = { path: files.disk, format };
      const size = await diskSize(disk);
      if (spec.disk > size) await growDisk(disk, spec.disk, run);
      const ignition = existsSync(from.ignition) ? readFileSync(from.ignition, "utf8") : '{"ignition":{"version":"3.2.0"}}\n';
      await writeFileDurably(files.ignition, ignition);
      await writeFileDurably(files.key, readFileSync(from.ssh.keyFile));
      if (existsSync(`${from.ssh.keyFile}.pub`)) await writeFileDurably(files.publicKey, readFileSync(`${from.ssh.keyFile}.pub`), 0o644);
      await writeFileDurably(files.knownHosts, "");
      await writeFileDurably(files.sshConfig, renderSshConfig({ name: spec.name, host: "127.0.0.1", port, user: from.ssh.user, keyFile: files.key, knownHosts: files.knownHosts }));

      const info = { ...machineInfo(spec, { sshPort: port, hostKey: "" }, host.uid, paths), user: from.ssh.user, uid: from.ssh.uid };
      const undo: Undo[] = [];
      scope.defer(`what was set up outside for ${spec.name}`, () => unregister(undo, run));
      await register(await planOutside(spec, info, run), undo, run, (planned) => markUnfinished(paths, spec.name, { verb: "init", undo: planned, keep: [] }));
      const record: MachineRecord = {
        version: 1, name: spec.name, created: new Date().toISOString(), lastUp: from.lastUp ?? null,
        spec: { ...saveSpec(spec), disk: Math.max(size, spec.disk) }, overrides,
        image: { source: "podman machine", title: `the disk of podman's machine ${from.name}`, origin: from.image, id: noImage, path: files.disk, format, virtualSize: size, verified: [] },
        disk, seed: { kind: "ignition", path: files.ignition }, firstBoot: "ignition",
        ssh: { port, user: from.ssh.user, uid: from.ssh.uid, keyFile: files.key, hostKey: "" }, readyByLogin: true,
        mac: macOf(files.data), folders: info.folders, undo,
      };
      run.signal.throwIfAborted();
      await writeRecord(paths, record);
      clearMark(paths, spec.name);
      return record;
    });
  } finally {
    lock.release();
  }
}

/** A disk that a VM writes to cannot be copied. Whatever runs it names its file. */
function checkStopped({ name, image }: PodmanMachine): void {
  const runs = runningProcesses().find(({ line }) => line.includes(image));
  if (runs) throw new MachineError("wrong-state", `podman's machine ${name} is running (process ${runs.pid})`, { hint: `Stop it first: podman machine stop ${name}` });
}

/** podman's own port where it is free and no other machine's, so that whoever knows it still gets in. */
async function portFor({ ssh }: PodmanMachine, run: Run): Promise<number> {
  const isOthers = listRecords(run.paths).records.some((record) => record.ssh.port === ssh.port);
  return !isOthers && (await isPortFree("127.0.0.1", ssh.port, "tcp")) ? ssh.port : reservePort(run.paths, run);
}

/** The disk as it is where the launcher boots it so; one on a base of its own, or of another format, is made whole. Keeps holes. */
async function copyDisk({ name, image }: PodmanMachine, target: string, formats: readonly DiskFormat[], run: Run): Promise<DiskFormat> {
  const phase = run.report.phase(`Copying the disk of ${name}`);
  try {
    const found = await wholeFormat(image);
    if (found !== undefined && formats.includes(found)) {
      await copyAndHash(image, target, { signal: run.signal, onProgress: (done) => phase.progress(done, undefined) });
      chmodSync(target, 0o600);
      phase.done();
      return found;
    }
    const format = formats[0] ?? "qcow2";
    await runCommand(new Command(findQemuImg(run.host, "copy the disk")).add("convert").add("-O", format).add(image).add(target), { signal: run.signal, trace: run.trace, code: "disk", title: "could not copy the disk" });
    chmodSync(target, 0o600);
    phase.done();
    return format;
  } catch (error) {
    phase.fail();
    throw isMachineError(error) ? error : new MachineError("disk", `${image} could not be copied: ${messageOf(error)}`, { cause: error });
  }
}

/** The format of a disk that needs no other file; undefined for one that does, or that is of a format that nothing boots. */
async function wholeFormat(image: string): Promise<DiskFormat | undefined> {
  try {
    const { format } = await readDiskHeader(image);
    return format === "qcow2" || format === "raw" ? format : undefined;
  } catch (error) {
    // qemu-img says more of what it cannot read.
    if (isMachineError(error) && error.code === "bad-image") return undefined;
    throw error;
  }
}

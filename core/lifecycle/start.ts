import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { makePrivateFolder, writeFileDurably } from "../atomic.ts";
import { diskSize, growDisk } from "../disk.ts";
import { isMachineError, MachineError } from "../errors.ts";
import { keeperShell } from "../keeper/client.ts";
import type { KeeperStatus } from "../keeper/protocol.ts";
import { takeLock } from "../lock.ts";
import type { StartOptions } from "../machine.ts";
import { writePlannedFiles } from "../planned-files.ts";
import { isPortFree, reservePort } from "../ports.ts";
import type { MachineRecord } from "../record.ts";
import type { Accelerator, BootPlan } from "../roles/launcher.ts";
import type { Run } from "../run.ts";
import { Scope } from "../scope.ts";
import { callPlugin } from "../spans.ts";
import { keepFirstBoot } from "../spec/changes.ts";
import { saveSpec } from "../spec.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { renderSshConfig } from "../ssh-config.ts";
import { readRecord, writeRecord } from "../store.ts";
import { acceleratorsOf, attempts, rememberFailure } from "./accelerator.ts";
import { checkBase } from "./base-disk.ts";
import { deadlinesFor, keeperPlan, planBoot } from "./boot-plan.ts";
import { tellChanges } from "./changes.ts";
import { recordedInfo } from "./facts.ts";
import { requireFreePort } from "./free-port.ts";
import { VerbHooks } from "./hooks.ts";
import { askedToStop, launchKeeper, waitUntilUp } from "./launch-keeper.ts";
import { placeOf, withPlace } from "./lan.ts";
import { noSuchMachine } from "./missing.ts";
import { mountShares } from "./mounts.ts";
import { statusOf } from "./status.ts";
import { sweep } from "./sweep.ts";

/** Boots a machine and returns when it is of use. */
export async function start(spec: ResolvedSpec, run: Run, options: StartOptions = {}): Promise<KeeperStatus> {
  const { paths, report, host } = run;
  const files = paths.machine(spec.name);
  const lock = await takeLock(files.lock, { signal: run.signal, purpose: `glowplug start ${spec.name}`, onWait: (holder) => report.info(`waiting for ${holder}`) });
  try {
    const found = readRecord(paths, spec.name);
    if (!found) throw noSuchMachine(spec.name);
    const before = await statusOf(found, paths);
    if (before.state === "running") {
      throw new MachineError("wrong-state", `unable to start "${spec.name}": already running`, { hint: `\`glowplug ssh ${spec.name}\` gets in.` });
    }
    // Whoever began a start and is gone left a keeper that goes on: wait for it.
    if (before.state === "starting") return await waitUntilUp(spec.name, files, run);
    await sweep(found, run);
    await callPlugin(run.trace, spec.launcher, "check", host);
    await callPlugin(run.trace, spec.forwarder, "check", host);
    await checkBase(found, run);
    tellChanges(found, spec, false, report);
    const record = withPlace(await withFreePorts(found, spec, run), placeOf(spec, found, run));
    await growToSpec(record, spec, run);
    const accelerators = await acceleratorsOf(spec, run);
    for (const { name, usable, reason } of accelerators) if (!usable && reason) report.info(`${name} is not used: ${reason}`);

    const hooks = new VerbHooks(spec, run);
    const { keeper, accelerator, notes, mounts } = await bootUnder(accelerators, (name) => boot(spec, record, name, hooks, run, options), spec, run);
    const up: MachineRecord = {
      ...record, spec: keepFirstBoot(record.spec, saveSpec(spec)), lastUp: new Date().toISOString(),
      last: { accelerator, accelerators, notes, ports: keeper.ports },
    };
    await writeRecord(paths, up);
    lock.release();
    await mountShares(mounts, keeperShell(files.keeperSocket));
    await hooks.fire("afterStart", recordedInfo(up, spec, paths), { ssh: keeperShell(files.keeperSocket), ports: keeper.ports });
    return keeper;
  } finally {
    lock.release();
  }
}

interface Booted {
  readonly keeper: KeeperStatus;
  readonly notes: readonly string[];
  readonly mounts: BootPlan["mounts"];
}

/** Tries one accelerator after the other as long as the guest shows no sign of life. */
async function bootUnder(accelerators: readonly Accelerator[], tryOne: (name: string) => Promise<Booted>, spec: ResolvedSpec, run: Run): Promise<Booted & { accelerator: string }> {
  const names = attempts(accelerators);
  const fallbacks: string[] = [];
  for (const [index, name] of names.entries()) {
    try {
      const booted = await tryOne(name);
      return { ...booted, notes: [...fallbacks, ...booted.notes], accelerator: name };
    } catch (error) {
      const next = names[index + 1];
      if (next === undefined || !isMachineError(error) || error.stage !== "life" || error.code === "interrupted") throw error;
      const note = next === name
        ? `the guest showed no sign of life under ${name}; it is started once more`
        : `the guest showed no sign of life under ${name}; it is started under ${next}`;
      run.report.warn(note);
      fallbacks.push(note);
      if (next !== name) await rememberFailure(name, `a guest of ${spec.name} showed no sign of life under it since this host booted`, run);
    }
  }
  throw new MachineError("internal", "no accelerator was tried");
}

/** One try: plan, write, hand over to a keeper, wait. */
function boot(spec: ResolvedSpec, record: MachineRecord, accelerator: string, hooks: VerbHooks, run: Run, options: StartOptions): Promise<Booted> {
  const files = run.paths.machine(spec.name);
  return Scope.run(run.report, async (scope) => {
    const planned = await planBoot(spec, record, accelerator, hooks, run);
    const notes = [...planned.net.notes, ...planned.boot.notes];
    for (const note of notes) run.report.info(note);
    makePrivateFolder(run.paths.runtime);
    makePrivateFolder(files.runtime);
    mkdirSync(files.logs, { recursive: true, mode: 0o700 });
    scope.defer(`sockets of ${spec.name}`, () => rmSync(files.runtime, { recursive: true, force: true }));
    for (const socket of planned.net.listens) makePrivateFolder(dirname(socket));
    writePlannedFiles(planned.boot.files);
    const plan = keeperPlan(spec, record, planned, accelerator, deadlinesFor(accelerator, options.deadlines), run);
    await writeFileDurably(files.keeperPlan, JSON.stringify(plan));
    const keeper = await launchKeeper(files, run);
    scope.defer(`processes of ${spec.name}`, () => askedToStop(files, keeper, { force: true, timeoutMs: 0 }));
    return { keeper: await waitUntilUp(spec.name, files, run), notes, mounts: planned.boot.mounts };
  });
}

/** A disk that is to be larger by now grows before its machine sees it; its guest grows the file system at boot. */
async function growToSpec({ disk, spec: before }: MachineRecord, spec: ResolvedSpec, run: Run): Promise<void> {
  if (spec.disk > before.disk && spec.disk > (await diskSize(disk))) await growDisk(disk, spec.disk, run);
}

/** Checks the ports of the spec, and moves the ssh port when somebody has taken it since init. */
async function withFreePorts(record: MachineRecord, spec: ResolvedSpec, run: Run): Promise<MachineRecord> {
  for (const port of spec.ports) await requireFreePort(port);
  if (await isPortFree("127.0.0.1", record.ssh.port, "tcp")) return record;
  const port = await reservePort(run.paths, run);
  run.report.warn(`the ssh port ${record.ssh.port} is taken; ${record.name} gets ${port}`);
  const files = run.paths.machine(record.name);
  const moved = { ...record, ssh: { ...record.ssh, port } };
  await writeFileDurably(files.sshConfig, renderSshConfig({ name: record.name, host: "127.0.0.1", port, user: record.ssh.user, keyFile: files.key, knownHosts: files.knownHosts }));
  await writeRecord(run.paths, moved);
  return moved;
}

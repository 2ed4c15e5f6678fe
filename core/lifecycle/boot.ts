import { dirname } from "node:path";
import { makePrivateFolder, writeFileDurably } from "../atomic.ts";
import { diskSize, growDisk } from "../disk.ts";
import { isMachineError, MachineError } from "../errors.ts";
import { clearEnded } from "../keeper/ended.ts";
import type { KeeperStatus } from "../keeper/protocol.ts";
import type { StartOptions } from "../machine.ts";
import { writePlannedFiles } from "../planned-files.ts";
import { isPortFree, reservePort } from "../ports.ts";
import type { MachineRecord } from "../record.ts";
import type { Accelerator } from "../roles/launcher.ts";
import type { Run } from "../run.ts";
import { Scope } from "../scope.ts";
import { callPlugin } from "../spans.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { renderSshConfig } from "../ssh-config.ts";
import { step } from "../step.ts";
import { writeRecord } from "../store.ts";
import { acceleratorsOf, attempts, rememberFailure } from "./accelerator.ts";
import { checkBase } from "./base-disk.ts";
import { writeBegun, type Begun } from "./begun.ts";
import { deadlinesFor, keeperPlan, planBoot } from "./boot-plan.ts";
import { tellChanges } from "./changes.ts";
import { requireFreePort } from "./free-port.ts";
import type { VerbHooks } from "./hooks.ts";
import { placeOf, withPlace } from "./lan.ts";
import { askedToStop, launchKeeper, waitUntilUp } from "./launch-keeper.ts";
import { knownOutside } from "./outside.ts";
import { sweep } from "./sweep.ts";

/** A machine that has come up. */
export interface Booted extends Begun {
  /** With the ports that it has now. */
  readonly record: MachineRecord;
  readonly keeper: KeeperStatus;
}

/** Boots a machine of which nothing is to run, under the machine's lock. What fails is undone. */
export async function boot(spec: ResolvedSpec, found: MachineRecord, hooks: VerbHooks, run: Run, options: StartOptions): Promise<Booted> {
  const { host, report } = run;
  await sweep(spec.name, run);
  step("start.swept");
  await callPlugin(run.trace, spec.launcher, "check", host);
  await callPlugin(run.trace, spec.forwarder, "check", host);
  await checkBase(found, run);
  tellChanges(found, spec, false, report);
  const record = await knownOutside(withPlace(await withFreePorts(found, spec, run), placeOf(spec, found, run)), spec, run);
  step("start.ports");
  await growToSpec(record, spec, run);
  step("start.disk");
  const accelerators = await acceleratorsOf(spec, run);
  for (const { name, usable, reason } of accelerators) if (!usable && reason) report.info(`${name} is not used: ${reason}`);

  const names = attempts(accelerators);
  const fallbacks: string[] = [];
  for (const [index, name] of names.entries()) {
    try {
      return { ...(await bootUnder(name, { spec, record, accelerators, fallbacks }, hooks, run, options)), record };
    } catch (error) {
      const next = names[index + 1];
      if (next === undefined || !isMachineError(error) || error.stage !== "life" || error.code === "interrupted") throw error;
      const note = next === name
        ? `the guest showed no sign of life under ${name}; it is started once more`
        : `the guest showed no sign of life under ${name}; it is started under ${next}`;
      report.warn(note);
      fallbacks.push(note);
      if (next !== name) await rememberFailure(name, `a guest of ${spec.name} showed no sign of life under it since this host booted`, run);
    }
  }
  throw new MachineError("internal", "no accelerator was tried");
}

interface Attempt {
  readonly spec: ResolvedSpec;
  readonly record: MachineRecord;
  readonly accelerators: readonly Accelerator[];
  /** Why accelerators before this one were given up. */
  readonly fallbacks: readonly string[];
}

/** One try: plan, write, hand over to a keeper, wait. */
function bootUnder(accelerator: string, { spec, record, accelerators, fallbacks }: Attempt, hooks: VerbHooks, run: Run, options: StartOptions): Promise<Omit<Booted, "record">> {
  const files = run.paths.machine(spec.name);
  return Scope.run(run.report, async (scope) => {
    const planned = await planBoot(spec, record, accelerator, hooks, run);
    const notes = [...planned.net.notes, ...planned.boot.notes];
    for (const note of notes) run.report.info(note);
    makePrivateFolder(run.paths.runtime);
    makePrivateFolder(files.runtime);
    makePrivateFolder(files.logs);
    scope.defer(`sockets of ${spec.name}`, () => sweep(spec.name, run));
    for (const socket of planned.net.listens) makePrivateFolder(dirname(socket));
    await writePlannedFiles(planned.boot.files);
    step("start.files");
    const begun: Begun = { accelerators, notes: [...fallbacks, ...notes], mounts: planned.boot.mounts, names: planned.net.names };
    const plan = keeperPlan(spec, record, planned, accelerator, begun, deadlinesFor(accelerator, options.deadlines), run);
    await writeFileDurably(files.keeperPlan, JSON.stringify(plan));
    await writeBegun(files, begun);
    step("start.plan");
    clearEnded(files.data);
    const keeper = await launchKeeper(files, plan.token, run, { mayStart: spec.restart !== "never" });
    step("start.keeper");
    scope.defer(`processes of ${spec.name}`, () => askedToStop(files, keeper, { force: true, timeoutMs: 0 }));
    return { ...begun, keeper: await waitUntilUp(spec.name, files, run) };
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
  run.report.warn(`detected port conflict on machine ssh port [${record.ssh.port}], reassigning: ${record.name} gets ${port}`);
  const files = run.paths.machine(record.name);
  const moved = { ...record, ssh: { ...record.ssh, port } };
  await writeFileDurably(files.sshConfig, renderSshConfig({ name: record.name, host: "127.0.0.1", port, user: record.ssh.user, keyFile: files.key, knownHosts: files.knownHosts }));
  await writeRecord(run.paths, moved);
  return moved;
}

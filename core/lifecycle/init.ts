import { existsSync } from "node:fs";
import { obtainImage } from "../cache.ts";
import { makePrivateFolder, writeFileDurably } from "../atomic.ts";
import { createDisk } from "../disk.ts";
import { MachineError } from "../errors.ts";
import { finishGuest } from "../first-boot.ts";
import { filesOfKeptDisk, keptAccess, saveAccess } from "../kept-access.ts";
import { makeKeyPair } from "../keys.ts";
import { matchSlots } from "../match.ts";
import { reservePort } from "../ports.ts";
import { macOf } from "../mac.ts";
import type { MachineRecord, Undo } from "../record.ts";
import { removeTree } from "../remove-tree.ts";
import type { Run } from "../run.ts";
import { Scope } from "../scope.ts";
import { saveSpec } from "../spec.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { renderKnownHosts, renderSshConfig } from "../ssh-config.ts";
import { callPlugin } from "../spans.ts";
import { step } from "../step.ts";
import { alreadyExists, writeRecord } from "../store.ts";
import { clearMark, markUnfinished } from "../unfinished.ts";
import { writeSeed } from "../seed.ts";
import { draftFor } from "./draft.ts";
import { guestUid, machineInfo } from "./facts.ts";
import { VerbHooks } from "./hooks.ts";
import { placeOf } from "./lan.ts";
import { locateImage } from "./image-query.ts";
import { lockMachine } from "./lock-machine.ts";
import { checkOutside, planOutside, register, unregister } from "./outside.ts";
import { recover, recoverOthers } from "./recover.ts";

/**
 * Makes a machine: image, disk, keys, first-boot config, record. Nothing runs.
 * Everything that can be wrong is looked at before anything is fetched; what fails later is undone.
 */
export async function init(spec: ResolvedSpec, overrides: Readonly<Record<string, unknown>>, run: Run): Promise<MachineRecord> {
  const { host, paths, report } = run;
  const files = paths.machine(spec.name);
  await callPlugin(run.trace, spec.launcher, "check", host);
  await callPlugin(run.trace, spec.forwarder, "check", host);
  matchSlots(spec);
  makePrivateFolder(paths.machines);
  await recoverOthers(run);
  const lock = await lockMachine(spec.name, "init", run);
  try {
    step("init.locked");
    if (await recover(spec.name, run)) throw alreadyExists(spec.name);
    refuseKept(spec.name, run);
    return await Scope.run(report, async (scope) => {
      const hooks = new VerbHooks(spec, run);
      const ssh = { port: await reservePort(paths, run), keys: makeKeyPair(`glowplug ${spec.name}`), hostKeys: makeKeyPair(`host of ${spec.name}`) };
      step("init.port");
      const drafted = machineInfo(spec, { sshPort: ssh.port, hostKey: ssh.hostKeys.publicKey }, host.uid, paths);
      const lan = placeOf(spec, undefined, run);
      // Reads every file that the spec names: one that is not there is told before anything is fetched.
      const guest = await draftFor(spec, drafted, { authorizedKey: ssh.keys.publicKey, hostKeys: ssh.hostKeys, lan }, run);
      const outside = await planOutside(spec, drafted, run);
      await checkOutside(outside, run);

      const located = await locateImage(spec, run);
      const { image } = await hooks.fire("beforeDownload", drafted, { image: located });
      const access = await keptAccess(image, spec.user, run);
      const { keys, hostKey, uid } = access ?? { keys: ssh.keys, hostKey: ssh.hostKeys.publicKey, uid: guestUid(host.uid) };
      const info = { ...drafted, uid, ssh: { ...drafted.ssh, hostKey } };
      if (access) report.info("the guest of that disk has had its first boot: packages, files, units and commands do not get into it any more");
      step("init.located");
      const base = await obtainImage(image, run, spec.image.name);
      step("init.image");
      run.signal.throwIfAborted();

      scope.defer(`files of ${spec.name}`, () => {
        for (const folder of [files.data, files.runtime]) removeTree(folder);
      });
      await markUnfinished(paths, spec.name, { verb: "init", undo: [], keep: [] });
      step("init.marked");
      makePrivateFolder(files.logs);
      const disk = await createDisk({ base, size: spec.disk, path: files.disk, formats: spec.launcher.formats, run });
      step("init.disk");

      await hooks.fire("ignition", info, { guest });
      finishGuest(guest);
      const seed = await writeSeed(await callPlugin(run.trace, spec.provisioner, "render", guest), files);
      step("init.seed");
      await writeFileDurably(files.key, keys.privateKey);
      await writeFileDurably(files.publicKey, `${keys.publicKey}\n`, 0o644);
      await writeFileDurably(files.knownHosts, renderKnownHosts(spec.name, hostKey));
      if (access) await saveAccess(access, files);
      await writeFileDurably(files.sshConfig, renderSshConfig({
        name: spec.name, host: "127.0.0.1", port: ssh.port, user: spec.user, keyFile: files.key, knownHosts: files.knownHosts,
      }));
      step("init.keys");
      run.signal.throwIfAborted();

      const undo: Undo[] = [];
      scope.defer(`what was set up outside for ${spec.name}`, () => unregister(undo, run));
      await register(outside, undo, run, (planned) => markUnfinished(paths, spec.name, { verb: "init", undo: planned, keep: [] }));

      const record: MachineRecord = {
        version: 1, name: spec.name, created: new Date().toISOString(), lastUp: null,
        spec: saveSpec(spec), overrides, image: base, disk, seed, firstBoot: spec.provisioner.firstBoot,
        ssh: { port: ssh.port, user: spec.user, uid, keyFile: files.key, hostKey }, ...(access?.readyByLogin && { readyByLogin: true }),
        mac: macOf(files.data), ...(lan && { lan }), folders: info.folders, undo,
      };
      run.signal.throwIfAborted();
      await writeRecord(paths, record);
      step("init.record");
      clearMark(paths, spec.name);
      step("init.done");
      return record;
    });
  } finally {
    lock.release();
  }
}

/** What `rm` was told to keep is not written over. */
function refuseKept(name: string, { paths }: Run): void {
  const files = paths.machine(name);
  const kept = [...filesOfKeptDisk(files), files.ignition, files.nocloud].filter((path) => existsSync(path));
  if (kept.length === 0) return;
  throw new MachineError("conflict", `there is no machine "${name}", but files of one that was removed were kept: ${kept.join(", ")}`, { hint: "Move them away, or choose another name." });
}

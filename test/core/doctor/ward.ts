import { mkdirSync, writeFileSync } from "node:fs";
import { onTestFinished } from "vitest";
import { diagnose } from "../../../core/doctor/diagnose.ts";
import type { Finding, Patient, SickMachine } from "../../../core/doctor/finding.ts";
import { createDisk } from "../../../core/disk.ts";
import { obtainLocal } from "../../../core/local-image.ts";
import { recordImage } from "../../../core/image-store.ts";
import type { HostFacts } from "../../../core/model.ts";
import type { Status } from "../../../core/machine.ts";
import type { MachineRecord } from "../../../core/record.ts";
import type { Launcher } from "../../../core/roles/launcher.ts";
import { writeRecord } from "../../../core/store.ts";
import { plainForwarder, plainLauncher } from "../../fixtures/plain-plugins.ts";
import { writeRawDisk } from "../../support/disks.ts";
import { makeTestFolder } from "../../support/folders.ts";
import { sampleRecord } from "../../support/record.ts";
import { makeTestRun, type TestRun } from "../../support/run.ts";

/** A host in good health, and a machine on it: each test makes one thing of it sick. */
export interface Ward {
  readonly run: TestRun;
  /** Facts of the host that differ from the real one's. */
  readonly host: { -readonly [K in keyof HostFacts]?: HostFacts[K] };
  launcher: Launcher;
  forwarders: Patient["forwarders"];
  record: MachineRecord;
  status: Omit<Status, "record">;
  findings(): Promise<readonly Finding[]>;
}

export async function healthyWard(): Promise<Ward> {
  const folder = makeTestFolder();
  onTestFinished(() => folder.remove());
  const { paths } = folder;
  const host: Ward["host"] = { env: {}, uid: process.getuid?.() ?? 0 };
  // Beside our folders, so that a test may open it to everybody.
  const run = { ...makeTestRun(folder), cwd: `${folder.path}/work` };
  for (const path of [run.cwd, paths.data, paths.runtime, paths.config, paths.cache]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const files = paths.machine("web");

  const source = `${folder.path}/base.raw`;
  writeRawDisk(source, { size: 2 ** 22 });
  const { image, origin } = await obtainLocal({ kind: "local", title: "a disk", path: source }, run);
  const base = recordImage(paths.store, "file", image, origin);
  mkdirSync(files.data, { recursive: true, mode: 0o700 });
  const disk = await createDisk({ base, size: 2 ** 30, path: files.disk, formats: ["qcow2"], run });
  writeFileSync(files.key, "a key", { mode: 0o600 });
  const sample = sampleRecord(paths, "web", { image: base, disk });
  let written: MachineRecord = { ...sample, spec: { ...sample.spec, cpus: 1, memory: 2 ** 28 } };
  const ward: Ward = {
    run, host, record: written,
    launcher: { ...plainLauncher(), name: "hv", accelerators: () => [{ name: "kvm", usable: true }, { name: "tcg", usable: true }] },
    forwarders: [{ ...plainForwarder(), name: "first" }, { ...plainForwarder(), name: "second" }],
    status: { state: "stopped", condition: "ok" },
    async findings() {
      if (ward.record !== written) await writeRecord(paths, (written = ward.record));
      const facts = Object.create(run.host, Object.getOwnPropertyDescriptors(host)) as HostFacts;
      const machines: SickMachine[] = [{ record: ward.record, status: { ...ward.status, record: ward.record } }];
      const examined = await diagnose({ run: { ...run, host: facts }, host: facts, machines, launcher: ward.launcher, forwarders: ward.forwarders });
      return examined.flatMap(({ findings }) => findings);
    },
  };
  await writeRecord(paths, written);
  return ward;
}

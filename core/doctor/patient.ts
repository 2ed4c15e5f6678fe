import { pluginResolver } from "../config.ts";
import { statusOf } from "../lifecycle/status.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import type { Forwarder } from "../roles/forwarder.ts";
import type { Launcher } from "../roles/launcher.ts";
import type { Run } from "../run.ts";
import { defaults } from "../spec/defaults.ts";
import { listRecords } from "../store.ts";
import type { Patient } from "./finding.ts";

/** The host with all of its machines, or with one. Loads no script. Throws MachineError "no-machine" for a name that none has. */
export async function patientOf(name: string | undefined, run: Run): Promise<Patient> {
  const { host, cwd, paths } = run;
  const load = pluginResolver({ host, cwd });
  const { records, damaged } = listRecords(paths);
  const chosen = name === undefined ? records : records.filter((record) => record.name === name);
  if (name !== undefined && chosen.length === 0 && !damaged.some((record) => record.name === name)) throw noSuchMachine(name);
  return {
    run, host,
    machines: await Promise.all(chosen.map(async (record) => ({ record, status: await statusOf(record, paths) }))),
    launcher: (await load("launcher", defaults.launcher, cwd)) as Launcher,
    forwarders: (await Promise.all(defaults.forwarders.map((one) => load("forwarder", one, cwd)))) as Forwarder[],
  };
}

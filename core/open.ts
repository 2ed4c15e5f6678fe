import { pluginResolver } from "./config.ts";
import { MachineHandle, type Described } from "./handle.ts";
import { gatherLayers, type Layers, type OpenWhat } from "./layers.ts";
import { noSuchMachine } from "./lifecycle/missing.ts";
import type { Run } from "./run.ts";
import { resolveSpec } from "./spec.ts";
import { readRecord } from "./store.ts";

export type { OpenWhat } from "./layers.ts";
export { statusOf } from "./lifecycle/status.ts";

/** Opens a machine by its script, its name or both. The script is loaded and checked at once. Throws MachineError "bad-spec" and the like. */
export async function openMachine(what: OpenWhat, run: Run): Promise<MachineHandle> {
  const layers = await gatherLayers(what, run);
  const described = await describe(layers, run);
  return new MachineHandle(described.spec.name, run, async () => described);
}

/** Opens a machine that exists, by its record alone; its script is loaded only by a verb that needs it. Throws "no-machine". */
export async function openRecorded(name: string, run: Run): Promise<MachineHandle> {
  if (!readRecord(run.paths, name)) throw noSuchMachine(name);
  const what = { name };
  return new MachineHandle(name, run, async () => describe(await gatherLayers(what, run), run));
}

/** The name of the machine that a script describes. */
export async function machineName(what: OpenWhat, run: Run): Promise<string> {
  return (await gatherLayers(what, run)).name;
}

async function describe({ layers, name, script, said }: Layers, run: Run): Promise<Described> {
  const { host, cwd } = run;
  const spec = await resolveSpec(layers, { host, cwd, trace: run.trace, name, ...(script !== undefined && { script }), resolvePlugin: pluginResolver({ host, cwd }) });
  return { spec: { ...spec, name }, said };
}

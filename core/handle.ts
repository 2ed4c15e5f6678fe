import { MachineError, messageOf } from "./errors.ts";
import { askKeeper, keeperShell } from "./keeper/client.ts";
import { protocolVersion, type KeeperRequest } from "./keeper/protocol.ts";
import { adoptOrphan } from "./lifecycle/adopt.ts";
import { applyChanges } from "./lifecycle/changes.ts";
import { init } from "./lifecycle/init.ts";
import { noSuchMachine } from "./lifecycle/missing.ts";
import { plan } from "./lifecycle/plan.ts";
import { remove } from "./lifecycle/remove.ts";
import { start } from "./lifecycle/start.ts";
import { statusOf } from "./lifecycle/status.ts";
import { stop, type StopOptions } from "./lifecycle/stop.ts";
import type { Machine, StartOptions, Status } from "./machine.ts";
import type { ExecOptions, ExecResult, GuestShell, PortForward, ResolvedPort } from "./model.ts";
import type { Plan } from "./plan.ts";
import type { MachineRecord } from "./record.ts";
import type { Run } from "./run.ts";
import type { MachineSpec, ResolvedSpec } from "./spec-types.ts";
import { readRecord } from "./store.ts";

/** What a handle needs of the layers: the resolved spec, and what init shall remember of the environment and the flags. */
export interface Described {
  readonly spec: ResolvedSpec;
  readonly said: MachineSpec;
}

/** The one implementation of `Machine`. Scripts are loaded when a verb needs them, and not before. */
export class MachineHandle implements Machine {
  readonly name: string;
  readonly #run: Run;
  readonly #describe: () => Promise<Described>;
  #described: Promise<Described> | undefined;

  constructor(name: string, run: Run, describe: () => Promise<Described>) {
    this.name = name;
    this.#run = run;
    this.#describe = describe;
  }

  /** The resolved spec. */
  async spec(): Promise<ResolvedSpec> {
    return (await this.#load()).spec;
  }

  async init(): Promise<MachineRecord> {
    const { spec, said } = await this.#load();
    return init(spec, overridesOf(said), this.#run);
  }

  async start(options?: StartOptions): Promise<void> {
    if (!this.#record()) throw noSuchMachine(this.name);
    await start(await this.spec(), this.#run, options);
  }

  async stop(options: StopOptions = {}): Promise<void> {
    const record = this.#known();
    await stop(record, options.force ? undefined : await this.#specForStop(record), this.#run, options);
  }

  async remove(options?: { readonly force?: boolean }): Promise<void> {
    this.#known();
    await remove(this.name, this.#run, options);
  }

  async up(options?: StartOptions): Promise<void> {
    const { state, record } = await this.#looked();
    if (state === "running" && record) return applyChanges(record, await this.spec(), this.#run);
    if (state === "absent") await this.init();
    await this.start(options);
  }

  async plan(): Promise<Plan> {
    return plan(await this.spec(), this.#record(), this.#run);
  }

  async status(): Promise<Status> {
    const record = this.#record();
    return record ? statusOf(record, this.#run.paths) : { state: "absent", condition: "ok" };
  }

  async exec(command: string | readonly string[], options?: ExecOptions): Promise<ExecResult> {
    return (await this.ssh()).exec(command, options);
  }

  async ssh(): Promise<GuestShell> {
    await this.#running();
    return keeperShell(this.#run.paths.machine(this.name).keeperSocket);
  }

  async forward(port: PortForward): Promise<AsyncDisposable> {
    const resolved: ResolvedPort = { host: "127.0.0.1", protocol: "tcp", ...port };
    await this.#ask({ v: protocolVersion, op: "port-add", port: resolved });
    return { [Symbol.asyncDispose]: async () => void (await this.#ask({ v: protocolVersion, op: "port-remove", port: resolved })) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A handle holds no connection open.
  }

  #load(): Promise<Described> {
    return (this.#described ??= this.#describe());
  }

  #record(): MachineRecord | undefined {
    return readRecord(this.#run.paths, this.name);
  }

  #known(): MachineRecord {
    const record = this.#record();
    if (!record) throw noSuchMachine(this.name);
    return record;
  }

  async #running(): Promise<void> {
    this.#known();
    if ((await this.#looked()).state !== "running") throw new MachineError("wrong-state", `vm "${this.name}" is not running`, { hint: `Start it with \`glowplug start ${this.name}\`.` });
  }

  /** Its status, once it has a keeper again where that was lost. */
  async #looked(): Promise<Status> {
    const status = await this.status();
    if (status.state !== "orphaned") return status;
    await adoptOrphan(this.name, this.#run);
    return this.status();
  }

  async #ask(request: KeeperRequest): Promise<unknown> {
    await this.#running();
    return askKeeper(this.#run.paths.machine(this.name).keeperSocket, request, { timeoutMs: 30_000 });
  }

  /** A script that is broken must not hold its machine hostage: then it is stopped without its hooks. */
  async #specForStop(record: MachineRecord): Promise<ResolvedSpec | undefined> {
    if (!["running", "orphaned"].includes((await statusOf(record, this.#run.paths)).state)) return undefined;
    try {
      return await this.spec();
    } catch (error) {
      this.#run.report.warn(`the beforeStop hooks are left out: ${messageOf(error)}`);
      return undefined;
    }
  }
}

/** What later verbs must know of the words of init: they win over the script until they are reset. */
function overridesOf({ name: _, ...said }: MachineSpec): Readonly<Record<string, unknown>> {
  return structuredClone(said) as Readonly<Record<string, unknown>>;
}

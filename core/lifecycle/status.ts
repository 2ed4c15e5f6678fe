import { readFileSync } from "node:fs";
import { isMachineError } from "../errors.ts";
import { pause } from "../keeper/again.ts";
import { askKeeper } from "../keeper/client.ts";
import { readEnded } from "../keeper/ended.ts";
import type { KeeperStatus } from "../keeper/protocol.ts";
import { protocolVersion } from "../keeper/protocol.ts";
import { readUp } from "../keeper/up-file.ts";
import type { Status } from "../machine.ts";
import type { MachinePaths, Paths } from "../paths.ts";
import { isGroupAlive } from "../process-group.ts";
import { isAlive, type ProcessIdentity } from "../process-identity.ts";
import type { MachineRecord } from "../record.ts";
import { whyUnfinished } from "./begun.ts";

/** A process of a machine whose keeper is gone. */
export interface Orphan {
  readonly name: string;
  readonly role: string;
  readonly identity: ProcessIdentity;
}

/** Measures a machine: the keeper's word if it answers, else whether processes of it live. */
export async function statusOf(record: MachineRecord, paths: Paths): Promise<Status> {
  return { ...(await stateOf(record.name, paths)), record };
}

/** The same of a machine whose record may be unreadable. */
export async function stateOf(name: string, paths: Paths): Promise<Omit<Status, "record">> {
  const files = paths.machine(name);
  if (livingKeeper(files)) {
    try {
      const keeper = await askKeeper<KeeperStatus>(files.keeperSocket, { v: protocolVersion, op: "status" }, { timeoutMs: 3000 });
      if (keeper.state === "adopting") return { state: "orphaned", condition: "orphaned", reason: "its keeper was lost, and another is about to take it over" };
      const unfinished = keeper.state === "running" ? whyUnfinished(files) : undefined;
      const reason = [...keeper.problems, ...(unfinished === undefined ? [] : [`its start did not get to its end: ${unfinished}; \`glowplug start ${name}\` goes on with it`])].join("; ");
      const state = keeper.state === "failed" ? "stopping" : keeper.state;
      return { state, condition: reason === "" ? "ok" : "degraded", ...(reason !== "" && { reason }), keeper, ...(unfinished !== undefined && { unfinished }) };
    } catch (error) {
      if (!isMachineError(error) || error.code !== "deadline") await untilEnded(files);
      if (livingKeeper(files)) return { state: "running", condition: "broken", reason: "the keeper lives and does not answer" };
    }
  }
  const orphans = orphansOf(files);
  if (orphans.length === 0) return stopped(files);
  const names = orphans.map((orphan) => orphan.name).join(", ");
  if (!orphans.some(({ role }) => role === "vm")) return { ...stopped(files), condition: "orphaned", reason: `its VM and its keeper are gone, but ${names} still run; the next start or stop ends them` };
  const then = isAdoptable(files) ? "and the next command that needs it gives it another keeper" : "and since it was not up yet the next start or stop ends them";
  return { state: "orphaned", condition: "orphaned", reason: `its keeper was lost; ${names} still run, ${then}` };
}

/** How long a keeper takes to end once it has closed its socket, and some more. */
const endMs = 3000;

/** A keeper that takes no connection any more is about to end. */
async function untilEnded(files: MachinePaths): Promise<void> {
  for (const limit = performance.now() + endMs; livingKeeper(files) && performance.now() < limit; ) await pause(20);
}

/** Whether a machine that has lost its keeper can be given another: it was up, and its VM lives. */
export function isAdoptable(files: MachinePaths): boolean {
  return readUp(files.runtime) !== undefined && orphansOf(files).some(({ role, identity }) => role === "vm" && isAlive(identity));
}

/** A machine that does not run, and why, where nobody had asked for its end. */
function stopped({ data }: MachinePaths): Omit<Status, "record"> {
  const ended = readEnded(data);
  return { state: "stopped", condition: ended?.failed ? "broken" : "ok", ...(ended && { reason: `${ended.reason}, at ${ended.at}`, ended }) };
}

/** The process that wrote itself down as the keeper, if it still lives. */
export function livingKeeper(files: MachinePaths): ProcessIdentity | undefined {
  const identity = readJson<ProcessIdentity>(files.keeperProcess);
  return identity !== undefined && isAlive(identity) ? identity : undefined;
}

/** Processes that a keeper spawned and that live on, or have left something that does. */
export function orphansOf(files: MachinePaths): Orphan[] {
  return (readJson<Orphan[]>(files.children) ?? []).filter(({ identity }) => isGroupAlive(identity));
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}

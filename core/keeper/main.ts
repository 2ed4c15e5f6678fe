/**
 * The keeper's own program: `node keeper.js PLAN TOKEN [adopt]`. Started by `start`, detached; ends when its machine has. With `adopt` it takes over
 * a machine that is up and has lost its keeper, and where that cannot be it ends alone.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diskError } from "../atomic.ts";
import { environmentOfProcess } from "../host.ts";
import { identityOf } from "../process-identity.ts";
import { removeTree } from "../remove-tree.ts";
import { step } from "../step.ts";
import { version } from "../version.ts";
import { pause } from "./again.ts";
import { Keeper } from "./keeper.ts";
import type { KeeperPlan } from "./plan.ts";
import { serveKeeper } from "./server.ts";

const [, , planFile, token, how] = process.argv;
if (planFile === undefined || token === undefined) throw new Error("usage: keeper PLAN TOKEN [adopt]");
const adopts = how === "adopt";
const plan = JSON.parse(readFileSync(planFile, "utf8")) as KeeperPlan;
/** Whether the machine is still this keeper's: the start that began it may have been killed, and the next one has another plan. */
const isOurs = (): boolean => readToken(planFile) === token;
const { runtime } = plan.folders;
process.umask(0o077);
process.title = `glowplug keeper ${plan.name}`;
// A terminal that closes is no reason to end a machine; `stop` is.
for (const signal of ["SIGHUP", "SIGINT"] as const) process.on(signal, () => {});

const keeper = new Keeper(plan, { version, adopts, environment: environmentOfProcess() });
process.on("SIGTERM", () => void keeper.stop(false, 90_000));
if (!isOurs()) process.exit(0);
const server = await serveKeeper(keeper, join(runtime, "keeper.sock"));
step("keeper.listening");
if (!isOurs()) process.exit(0);
keeper.up.catch(() => {});
const isKnown = isWrittenDown(join(runtime, "keeper.json"));
step("keeper.known");
// Nothing is spawned until the verb that started us asks for it: so it learns of every failure, and its death leaves nothing.
const asked = await Promise.race([keeper.asked.then(() => true), pause(10_000).then(() => false)]);
let goesOn = adopts;
if (asked && isKnown) {
  step("keeper.asked");
  if (adopts) goesOn = !(await keeper.adopt());
  else await keeper.bringUp();
  await keeper.ended;
}
// Answers under way are sent; nothing else keeps an ended keeper alive.
await Promise.race([new Promise((resolve) => server.close(resolve)), pause(1000)]);
if (isOurs()) for (const path of goesOn ? ["keeper.sock", "keeper.json"].map((name) => join(runtime, name)) : [runtime]) removeTree(path);
step("keeper.folder");
process.exit(0);

/** Whether others find this process. Else the machine is refused: nobody could end it. */
function isWrittenDown(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify(identityOf(process.pid)), { mode: 0o600 });
    return true;
  } catch (cause) {
    keeper.refuse(diskError(`${path} could not be written`, cause));
    return false;
  }
}

function readToken(file: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as Partial<KeeperPlan>).token;
  } catch {
    return undefined; // the folder is gone, or is just being made anew
  }
}

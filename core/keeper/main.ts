/** The keeper's own program: `node keeper.js PLAN`. Started by `start`, detached; ends when its machine has. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentOfProcess } from "../host.ts";
import { identityOf } from "../process-identity.ts";
import { version } from "../version.ts";
import { pause } from "./again.ts";
import { Keeper } from "./keeper.ts";
import type { KeeperPlan } from "./plan.ts";
import { serveKeeper } from "./server.ts";

const planFile = process.argv[2];
if (planFile === undefined) throw new Error("usage: keeper PLAN");
const plan = JSON.parse(readFileSync(planFile, "utf8")) as KeeperPlan;
const { runtime } = plan.folders;
process.umask(0o077);
process.title = `glowplug keeper ${plan.name}`;
// A terminal that closes is no reason to end a machine; `stop` is.
for (const signal of ["SIGHUP", "SIGINT"] as const) process.on(signal, () => {});

const keeper = new Keeper(plan, { version, environment: environmentOfProcess() });
process.on("SIGTERM", () => void keeper.stop(false, 90_000));
const server = await serveKeeper(keeper, join(runtime, "keeper.sock"));
writeFileSync(join(runtime, "keeper.json"), JSON.stringify(identityOf(process.pid)), { mode: 0o600 });
keeper.up.catch(() => {});
// Nothing is spawned until the verb that started us asks for it: so it learns of every failure, and its death leaves nothing.
const asked = await Promise.race([keeper.asked.then(() => true), pause(10_000).then(() => false)]);
if (asked) {
  await keeper.bringUp();
  await keeper.ended;
}
// Answers under way are sent; nothing else keeps an ended keeper alive.
await Promise.race([new Promise((resolve) => server.close(resolve)), pause(1000)]);
rmSync(runtime, { recursive: true, force: true });
process.exit(0);

/** `npm run bench`: how long things take, each beside a peer in the same run. `-- --no-boot` leaves out what needs a real guest. */
import { rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { World } from "../support/world.ts";
import { measureGuest } from "./guest.ts";
import { measureInit } from "./init.ts";
import { measurePipeline } from "./pipeline.ts";
import { measurePorts } from "./ports.ts";
import type { Measured } from "./measure.ts";
import { measureManyMachines, measureShortVerbs } from "./short-verbs.ts";
import { measureFakeStart } from "./start.ts";
import { renderTable } from "./table.ts";

const [flag, ...others] = process.argv.slice(2);
if ((flag !== undefined && flag !== "--no-boot") || others.length > 0) throw new Error("usage: npm run bench [-- --no-boot]");
const boots = flag === undefined;

// It makes every start of Node read a file of certificates: 35 ms that are nobody's here.
delete process.env["NODE_EXTRA_CA_CERTS"];

const worlds: World[] = [];
function newWorld(...what: ConstructorParameters<typeof World>): World {
  const world = new World(...what);
  worlds.push(world);
  return world;
}
async function cleanUp(): Promise<void> {
  for (const world of worlds.splice(0)) await world.close().catch(() => rmSync(world.folder, { recursive: true, force: true }));
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void cleanUp().finally(() => process.exit(130)));

const rows: Measured[] = [];
const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
say(`load ${loadavg().map((load) => load.toFixed(1)).join(" ")}; what was taken on a busy machine says little`);
try {
  const world = newWorld();
  // Its one image shall not stay in the user's store.
  world.env["GLOWPLUG_STORE"] = join(world.folder, "images");
  say("init");
  rows.push(...(await measureInit(world, "one")));
  say("list, inspect");
  rows.push(...(await measureShortVerbs(world, "one", "stopped")), await measureManyMachines(world, "one"));
  say("start, on fake programs");
  rows.push(await measureFakeStart(newWorld({})));
  const pulling = newWorld();
  pulling.env["GLOWPLUG_STORE"] = join(pulling.folder, "images");
  rows.push(...(await measurePipeline(pulling, say)));
  if (boots) {
    say("a real guest");
    rows.push(...(await measureGuest(newWorld())), ...(await measurePorts(newWorld, say)));
  }
} finally {
  await cleanUp();
}
process.stdout.write(renderTable(rows));
if (!boots) process.stdout.write("\nLeft out, since no guest was booted: what start adds to a real one, the keeper's memory, exec beside ssh, published ports, list and inspect of a running machine.\n");

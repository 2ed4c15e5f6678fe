import { join } from "node:path";
import { askKeeper } from "../../core/keeper/client.ts";
import { protocolVersion, type KeeperStatus } from "../../core/keeper/protocol.ts";
import type { World } from "../support/world.ts";
import { writeRawDisk } from "../support/disks.ts";
import { summary, type Measured } from "./measure.ts";

const aim = { of: "figure", most: 1000 } as const;

/** Starts a machine. Resolves to what `start` added to it, and to what the guest itself took until it was ready; both in milliseconds. */
async function startOnce(world: World, name: string): Promise<readonly [added: number, guest: number]> {
  const begun = Date.now();
  await world.ok("start", "--quiet", name);
  const ended = Date.now();
  const keeper = await keeperOf(world, name);
  const { vm = Number.NaN, ready = Number.NaN, probe = Number.NaN } = keeper.times;
  // Between the ready line and the last probe lie the ssh handshake and the first ping, which are the guest's as well.
  return [keeper.begun + vm - begun + (ended - (keeper.begun + probe)), ready - vm];
}

export function keeperOf(world: World, name: string): Promise<KeeperStatus> {
  return askKeeper<KeeperStatus>(join(world.runtime, name, "keeper.sock"), { v: protocolVersion, op: "status" }, { timeoutMs: 10_000 });
}

/** What `start` adds to a real boot: from the command to QEMU's spawning, and from the guest's readiness to the return. */
export async function measureStart(world: World, name: string): Promise<Measured> {
  return summary("what start adds, real guest", [await startOnce(world, name)], "the guest's boot", { aim });
}

/** The same on a fake QEMU, which can be had several times. It is a script, so that each question about its version takes a start of Node. */
export async function measureFakeStart(world: World): Promise<Measured> {
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  world.write("fake.ts", 'export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "slirp", podman: false };\n');
  await world.ok("init", "--quiet", "./fake.ts");
  const pairs: (readonly [number, number])[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
    pairs.push(await startOnce(world, "fake"));
    await world.ok("stop", "--force", "fake");
  }
  return summary("what start adds, fake programs", pairs.slice(1), "the fake's boot", { aim });
}

import { join } from "node:path";
import { convertDisk, writeRawDisk } from "../support/disks.ts";
import { program, type World } from "../support/world.ts";
import { footprintOf } from "./footprint.ts";
import { compare, summary, timeOf, type Measured, type Subject } from "./measure.ts";

/** `init` from a base that is in the store, beside the least that it has to do: an overlay on that base. Leaves the machine `kept`. */
export async function measureInit(world: World, kept: string): Promise<Measured[]> {
  const here = { env: world.env, cwd: join(world.folder, "work") };
  const base = join(here.cwd, "base.qcow2");
  writeRawDisk(`${base}.raw`, { size: 64 * 2 ** 20 });
  convertDisk(`${base}.raw`, base, "qcow2");
  const argv = (name: string): string[] => [program, "init", "--quiet", "--image", base, "--provisioner", "ignition", "--disk-size", "1", name];
  const init = (name: string): Promise<number> => timeOf(process.execPath, argv(name), here);
  await init(kept);
  const create = ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, "overlay.qcow2", "1G"];
  const overlay: Subject = { name: "qemu-img create", take: () => timeOf("qemu-img", create, here) };
  const time = await compare("init from a cached base", async () => {
    const took = await init("another");
    await world.ok("rm", "--force", "another");
    return took;
  }, overlay, { count: 7, aim: { of: "figure", most: 500 } });
  const ours = await footprintOf(process.execPath, argv("another"), here);
  await world.ok("rm", "--force", "another");
  const theirs = await footprintOf("qemu-img", create, here);
  return [time, summary("  bytes written", [[ours.writtenMb, theirs.writtenMb]], "qemu-img create", { unit: "MB", aim: { of: "figure", most: 2 } })];
}

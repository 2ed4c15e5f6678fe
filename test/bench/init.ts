import { join } from "node:path";
import { convertDisk, writeRawDisk } from "../support/disks.ts";
import { program, type World } from "../support/world.ts";
import { compare, timeOf, type Measured, type Subject } from "./measure.ts";

/** `init` from a base that is in the store, beside the least that it has to do: an overlay on that base. Leaves the machine `kept`. */
export async function measureInit(world: World, kept: string): Promise<Measured> {
  const here = { env: world.env, cwd: join(world.folder, "work") };
  const base = join(here.cwd, "base.qcow2");
  writeRawDisk(`${base}.raw`, { size: 64 * 2 ** 20 });
  convertDisk(`${base}.raw`, base, "qcow2");
  const init = (name: string): Promise<number> => timeOf(process.execPath, [program, "init", "--quiet", "--image", base, "--provisioner", "ignition", "--disk-size", "1", name], here);
  await init(kept);
  const overlay: Subject = { name: "qemu-img create", take: () => timeOf("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, "overlay.qcow2", "1G"], here) };
  return compare("init from a cached base", async () => {
    const took = await init("another");
    await world.ok("rm", "--force", "another");
    return took;
  }, overlay, { count: 7, aim: { of: "figure", most: 500 } });
}

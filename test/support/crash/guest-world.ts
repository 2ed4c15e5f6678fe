import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeRawDisk } from "../disks.ts";
import { program, World } from "../world.ts";

/** A world of fake programs, with a folder that is the guest's, two disks to make machines of, and a file that takes a while to copy. */
export class GuestWorld extends World {
  constructor() {
    super({}, { built: dirname(program) });
    mkdirSync(join(this.folder, "guest"));
    this.fakes?.behave({ qemu: { files: join(this.folder, "guest") } });
    writeRawDisk(join(this.folder, "work/base.raw"), { size: 2 ** 20 });
    writeRawDisk(join(this.folder, "work/other.raw"), { size: 2 ** 20, data: [{ at: 4096, bytes: Buffer.from("another") }] });
    this.write("large", "x".repeat(300_000));
  }
}

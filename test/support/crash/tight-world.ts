import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processesOf } from "../world.ts";
import { CrashWorld } from "./crash-world.ts";
import { SmallDisk } from "./small-disk.ts";

/** A crash world all of whose folders of ours lie on one small disk. */
export class TightWorld extends CrashWorld {
  override readonly mayLackCopy = true;
  readonly small = new SmallDisk(mkdtempSync(join(tmpdir(), "gp-small-")), "8m");

  constructor() {
    super();
    for (const name of ["data", "images", "run", "cache"]) this.small.bind(name, join(this.folder, name));
  }

  override async close(): Promise<void> {
    this.small.makeRoom();
    for (const line of processesOf(this.folder)) process.kill(Number.parseInt(line), "SIGKILL");
    this.small.remove();
    rmSync(this.small.path, { recursive: true, force: true });
    await super.close();
  }
}

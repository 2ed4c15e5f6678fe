import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fillDisk, fillerIn } from "../../fixtures/fill-disk.mjs";

/** A small file system of its own on a folder, which only root can mount. */
export class SmallDisk {
  readonly path: string;
  readonly #bound: string[] = [];

  constructor(path: string, size: string) {
    this.path = path;
    mkdirSync(path, { recursive: true, mode: 0o700 });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0700`, "tmpfs", path]);
  }

  /** Shows a folder of it elsewhere, too. */
  bind(name: string, at: string): void {
    for (const folder of [join(this.path, name), at]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    execFileSync("mount", ["--bind", join(this.path, name), at]);
    this.#bound.push(at);
  }

  /** Leaves no byte of room. */
  fill(): void {
    fillDisk(this.path);
  }

  /** Takes away what it was filled with. */
  makeRoom(): void {
    rmSync(fillerIn(this.path), { force: true });
  }

  /** Lets nothing be written, or again. */
  setReadOnly(readOnly: boolean): void {
    execFileSync("mount", ["-o", `remount,${readOnly ? "ro" : "rw"}`, this.path]);
  }

  remove(): void {
    for (const path of [...this.#bound, this.path]) execFileSync("umount", ["-l", path]);
  }
}

/** Lets nothing be written by way of a folder until the function returned is called; whoever has a file open there goes on. */
export function holdReadOnly(path: string): () => void {
  execFileSync("mount", ["--bind", path, path]);
  execFileSync("mount", ["-o", "remount,bind,ro", path]);
  return () => void execFileSync("umount", ["-l", path]);
}

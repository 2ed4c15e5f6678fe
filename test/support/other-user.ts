import { chmodSync, chownSync, cpSync, lchownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fakeFence, fakes } from "../fixtures/fakes.ts";
import { run, World, type Ended } from "./world.ts";

/** Where the tests run as root: somebody who is not. Else there is nobody but ourselves. */
export const isRoot = process.getuid?.() === 0;
export const ordinaryUser = isRoot ? 61_234 : (process.getuid?.() ?? 0);

/** A fake world of an ordinary user's: a copy of the built program, the fakes and all folders are that user's. */
export class OrdinaryWorld extends World {
  constructor() {
    super({});
    const { folder } = this;
    const dist = resolve(import.meta.dirname, "../../dist");
    cpSync(dist, join(folder, "program"), { recursive: true });
    mkdirSync(join(folder, "home"), { mode: 0o700 });
    mkdirSync(join(folder, "fakes"));
    for (const [name, file] of Object.entries(fakes)) {
      chmodSync(join(folder, "program", `${file}.js`), 0o755);
      symlinkSync(join(folder, "program", `${file}.js`), join(folder, "fakes", name));
    }
    for (const name of ["bwrap", "setpriv"]) writeFileSync(join(folder, "fakes", name), fakeFence, { mode: 0o755 });
    writeFileSync(join(folder, "fakes/fake.json"), "{}");
    Object.assign(this.env, { HOME: join(folder, "home"), CONTAINERS_HELPER_BINARY_DIR: join(folder, "fakes"), PATH: `${join(folder, "fakes")}:/usr/bin:/bin` });
    this.own();
  }

  /** Gives all that lies in its folders to the user. */
  own(folder: string = this.folder): void {
    if (!isRoot) return;
    if (folder === this.folder) chownSync(folder, ordinaryUser, ordinaryUser);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      lchownSync(join(folder, entry.name), ordinaryUser, ordinaryUser);
      if (entry.isDirectory()) this.own(join(folder, entry.name));
    }
  }

  override glowplug(...argv: string[]): Promise<Ended> {
    return run(process.execPath, [join(this.folder, "program/glowplug.js"), ...argv], { env: this.env, cwd: join(this.folder, "work"), ...(isRoot && { uid: ordinaryUser }) });
  }
}

/** What becomes of a connection to a unix socket as another user: "connected", or the system's name of the failure. */
export async function connectAs(uid: number, path: string): Promise<string> {
  const script = 'const s = require("net").connect(process.argv[1]); s.on("connect", () => { console.log("connected"); s.destroy(); }); s.on("error", (e) => console.log(e.code));';
  return (await run(process.execPath, ["-e", script, "--", path], { uid, cwd: "/" })).stdout.trim();
}

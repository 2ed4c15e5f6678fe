import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { landlockSetpriv as parts } from "../../setup/packages.mjs";

/** A setpriv that knows Landlock: this system's own, else a program in that folder that runs a copy of the one which set-up unpacked. */
export function landlockSetpriv(folder: string): string {
  const own = spawnSync("setpriv", ["--help"], { encoding: "utf8" });
  if (own.stdout?.includes("--landlock-access")) return spawnSync("sh", ["-c", "command -v setpriv"], { encoding: "utf8" }).stdout.trim();
  const tools = join(process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share"), "glowplug/tools");
  // Copied, since an ordinary user may not look into the folder of whoever runs the tests.
  const copies = join(folder, "landlock");
  mkdirSync(copies, { mode: 0o755 });
  for (const { name, files } of parts) for (const file of files) copyFileSync(join(tools, name, file), join(copies, basename(file)));
  const path = join(folder, "setpriv");
  writeFileSync(path, `#!/bin/sh\nexec '${copies}/ld-linux-x86-64.so.2' --library-path '${copies}' '${copies}/setpriv' "$@"\n`, { mode: 0o755 });
  return path;
}

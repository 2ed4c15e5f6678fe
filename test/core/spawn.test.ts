import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { spawnDetached } from "../../core/spawn.ts";
import { scratchFolder } from "../fixtures/login.ts";

/** Words that a shell would make something of. */
const words = ["$(touch made)", "`touch made`", "; touch made", "| touch made", "&& touch made", "> made", "*", "~", "$HOME", "'", '"', "a b", "", "\n", "\\", "#"];

it("a program gets its words as they are, and from the environment what it needs to run and nothing else", async () => {
  const folder = scratchFolder();
  const log = join(folder, "log");
  const script = "console.log(JSON.stringify({ argv: process.argv.slice(1), env: process.env, cwd: process.cwd() }))";
  const child = await spawnDetached({ name: "it", program: process.execPath, argv: ["-e", script, "--", ...words], cwd: folder, env: { OWN: "its own" } } as never, log, {
    PATH: "/usr/bin", HOME: "/home/me", LANG: "C", SECRET_TOKEN: "secret", AWS_ACCESS_KEY_ID: "secret", SSH_AUTH_SOCK: "/agent", https_proxy: "http://me:secret@proxy", XDG_RUNTIME_DIR: undefined,
  });
  await once(child, "exit");
  expect(JSON.parse(readFileSync(log, "utf8"))).toEqual({ argv: words, env: { PATH: "/usr/bin", HOME: "/home/me", LANG: "C", OWN: "its own" }, cwd: folder });
  expect(readdirSync(folder)).toEqual(["log"]);
});

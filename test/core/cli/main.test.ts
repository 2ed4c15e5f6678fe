import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { sampleRecord } from "../../support/record.ts";
import { makeTestFolder } from "../../support/folders.ts";

const main = join(import.meta.dirname, "../../../core/cli/main.ts");

/** The program in a process of its own, over folders of its own. */
function program() {
  const { path, paths, remove } = makeTestFolder();
  onTestFinished(remove);
  const env = {
    PATH: process.env["PATH"], HOME: path,
    ...Object.fromEntries(["DATA_HOME", "CACHE_HOME", "CONFIG_HOME", "RUNTIME_DIR"].map((name) => [`XDG_${name}`, join(path, name.toLowerCase())])),
  };
  const start = (...argv: string[]) => spawn(process.execPath, ["--conditions=glowplug-source", "--import", "tsx", main, ...argv], { env, cwd: join(main, "../../.."), stdio: "pipe" });
  return { paths, start };
}

test("the program ends with the verb's status", async () => {
  const { start } = program();
  const child = start("inspect", "nope");
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  expect({ status: status as number, out, err }).toEqual({ status: 125, out: "[]\n", err: "Error: nope: VM does not exist\nhint: `glowplug list` shows the machines, `glowplug init nope` makes this one.\n" });
});

test("a reader that goes away is no error", async () => {
  const { paths, start } = program();
  mkdirSync(paths.machine("web").logs, { recursive: true });
  writeFileSync(paths.machine("web").record, JSON.stringify(sampleRecord(paths, "web")));
  writeFileSync(paths.machine("web").log("serial"), "line\n".repeat(200_000));
  const child = start("logs", "--follow", "web");
  const err = text(child.stderr);
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [status] = await once(child, "exit");
  expect({ status: status as number, err: await err }).toEqual({ status: 0, err: "" });
});

test("SIGINT ends a verb with 130", async () => {
  const { paths, start } = program();
  mkdirSync(paths.machine("web").data, { recursive: true });
  writeFileSync(paths.machine("web").record, JSON.stringify(sampleRecord(paths, "web")));
  const child = start("rm", "web");
  const err = text(child.stderr);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const [status] = await once(child, "exit");
  expect({ status: status as number, err: await err }).toEqual({ status: 130, err: "\nInterrupted: what was begun is being undone. A second Ctrl-C ends at once.\nError: interrupted\n" });
});

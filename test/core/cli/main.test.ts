import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
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
  return { path, paths, env, start };
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

test("an answer that cannot be written is a failure", async () => {
  const { env } = program();
  const full = openSync("/dev/full", "w");
  onTestFinished(() => closeSync(full));
  const child = spawn(process.execPath, ["--conditions=glowplug-source", "--import", "tsx", main, "list"], { env, cwd: join(main, "../../.."), stdio: ["ignore", full, "pipe"] });
  const [err, [status]] = await Promise.all([text(child.stderr as NonNullable<typeof child.stderr>), once(child, "exit")]);
  expect({ status: status as number, err }).toEqual({ status: 125, err: "Error: the answer could not be written to standard output: no space is left\nhint: Free some space; `glowplug image prune` removes images that no machine uses.\n" });
});

test.each<[string, NodeJS.ProcessEnv, string]>([
  ["no home folder", { HOME: "nowhere", XDG_DATA_HOME: undefined }, "Error: there is no home folder: HOME is not set, and the system knows none for this user\nhint: Set HOME, or name"],
  ["a store of no absolute path", { GLOWPLUG_STORE: "images" }, 'Error: GLOWPLUG_STORE is "images", expected an absolute path\nhint: '],
])("%s is told as any failure is", async (_, changes, message) => {
  const { env } = program();
  const child = spawn(process.execPath, ["--conditions=glowplug-source", "--import", "tsx", main, "list"], { env: { ...env, ...changes }, cwd: join(main, "../../.."), stdio: "pipe" });
  const { status, err } = await outcome(child);
  expect([status, err.slice(0, message.length)]).toEqual([125, message]);
});

test("no home folder is needed where ours are named", async () => {
  const { env } = program();
  const child = spawn(process.execPath, ["--conditions=glowplug-source", "--import", "tsx", main, "list", "--quiet"], { env: { ...env, HOME: "nowhere" }, cwd: join(main, "../../.."), stdio: "pipe" });
  expect(await outcome(child)).toEqual({ status: 0, out: "", err: "" });
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
  expect({ status: status as number, err: await err }).toEqual({ status: 130, err: "Error: interrupted\n" });
});

async function outcome(child: ReturnType<ReturnType<typeof program>["start"]>): Promise<{ status: number; out: string; err: string }> {
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status: status as number, out, err };
}

test("a script's path is a verb of its own: its code runs with the words behind it, and its exit status counts", async () => {
  const { path, start } = program();
  const script = join(path, "code.ts");
  writeFileSync(script, "console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 3;");
  expect(await outcome(start(script, "a", "--json", "b"))).toEqual({ status: 3, out: '["a","--json","b"]\n', err: "" });
});

test("a script that exports a machine says how to start it, and takes verbs alone", async () => {
  const { path, start } = program();
  const script = join(path, "web.ts");
  writeFileSync(script, "export default { cpus: 1 };");
  expect(await outcome(start(script))).toEqual({ status: 0, out: `${script} describes the machine "web". To start it: glowplug up ${script}\n`, err: "" });
  expect(await outcome(start(script, "inspect"))).toMatchObject({ status: 125, out: "[]\n", err: expect.stringMatching(/^Error: web: VM does not exist\n/) as string });
  expect((await outcome(start(script, "frob"))).err).toBe(`Error: unrecognized command \`${script} frob\`\nhint: A script that exports a machine takes a verb. See 'glowplug --help'.\n`);
});

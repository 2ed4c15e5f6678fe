import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { run } from "../../../core/ssh/run.ts";
import { guestWithLogin, scratchFolder } from "../../fixtures/login.ts";

const connected = async () => (await guestWithLogin()).connect();

it.each([
  ["a string as it is", "echo a   b; echo $((1 + 1)) >&2; exit 9", { exitCode: 9, stdout: "a b\n", stderr: "2\n" }],
  ["an array word by word", ["printf", "<%s>\\n", "a  b", "it's", "", "$HOME", "~", "*", "a;b", "line\nbreak", "naïve"], {
    exitCode: 0, stdout: "<a  b>\n<it's>\n<>\n<$HOME>\n<~>\n<*>\n<a;b>\n<line\nbreak>\n<naïve>\n", stderr: "",
  }],
  ["a command that is not there", "no-such-program", { exitCode: 127, stdout: "", stderr: "/bin/sh: 1: no-such-program: not found\n" }],
  ["a command that a signal ends", "kill -KILL $$", { exitCode: 137, signal: "SIGKILL", stdout: "", stderr: "" }],
])("runs %s", async (_what, command, result) => {
  const found = await run(await connected(), command);
  // Shells word this one line differently.
  expect({ ...found, stderr: result.exitCode === 127 ? result.stderr : found.stderr }).toEqual(result);
});

it("hands the input over, and none where there is none", async () => {
  const connection = await connected();
  expect(await run(connection, "cat", { input: "naïve\n" })).toEqual({ exitCode: 0, stdout: "naïve\n", stderr: "" });
  expect(await run(connection, "cat")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
});

it("keeps both outputs whole when they are long", async () => {
  const { stdout, stderr } = await run(await connected(), "head -c 3000000 /dev/zero | tr '\\0' o; head -c 3000000 /dev/zero | tr '\\0' e >&2");
  expect([stdout === "o".repeat(3_000_000), stderr === "e".repeat(3_000_000)]).toEqual([true, true]);
});

it.each([
  ["both outputs", { stdout: "out\n", stderr: "err\n", exitCode: 3 }],
  ["standard output alone", { stdout: "out\n", stderr: "", exitCode: 0 }],
  ["standard error alone", { stdout: "", stderr: "err\n", exitCode: 255 }],
  ["an exit status alone", { stdout: "", stderr: "", exitCode: 1 }],
])("misses nothing of a command whose start, %s and end come in one piece", async (_what, answer) => {
  const connection = await (await guestWithLogin({ atOnce: () => answer })).connect();
  const results = await Promise.all(Array.from({ length: 20 }, () => run(connection, "quick", { input: "nobody reads it" })));
  expect(results).toEqual(results.map(() => answer));
});

it("hangs a command up that takes too long", async () => {
  const gone = join(scratchFolder(), "gone");
  const connection = await connected();
  const command = `trap 'touch ${gone}; exit' HUP; while :; do sleep 0.01; done`;
  await expect(run(connection, command, { timeoutMs: 100 })).rejects.toMatchObject({ code: "deadline", message: `the guest's command did not end within 0.1 s: ${command}` });
  await run(connection, `while [ ! -e ${gone} ]; do sleep 0.01; done`);
  expect(existsSync(gone)).toBe(true);
});

it("hangs a command up when its signal aborts", async () => {
  const { connect, guest } = await guestWithLogin();
  const over = new AbortController();
  const running = run(await connect(), "sleep 60", { signal: over.signal });
  while (guest.commands.length === 0) await new Promise(setImmediate);
  over.abort();
  await expect(running).rejects.toMatchObject({ code: "interrupted", message: "the guest's command was interrupted: sleep 60" });
});

it("fails when the connection is lost on the way", async () => {
  const { connect, guest } = await guestWithLogin();
  const connection = await connect();
  const ready = await connection.exec("echo ready; sleep 60");
  await once(ready.stdout, "data");
  const running = run(connection, "sleep 60");
  running.catch(() => {});
  guest.drop();
  await expect(running).rejects.toMatchObject({ code: "ssh" });
});

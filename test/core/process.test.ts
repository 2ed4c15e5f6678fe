import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Command } from "../../core/command.ts";
import { identityOf } from "../../core/process-identity.ts";
import { runningProcesses } from "../../core/process-table.ts";
import { lastLines, runCommand, runProgram } from "../../core/process.ts";
import { recordTrace } from "../support/trace.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glowplug-process-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const script = (text: string): [string, string[]] => ["/bin/sh", ["-c", text]];
/** A script that starts a grandchild, writes its pid down and waits. */
const family = (file: string): [string, string[]] => script(`sleep 60 & echo $! > ${file}; echo started; wait`);
/** Waits for a process to be gone by looking at it; fails by the test's own limit. */
async function gone(pid: number): Promise<void> {
  while (identityOf(pid)) await new Promise((resolve) => setImmediate(resolve));
}

describe("a process that is killed", () => {
  it("takes what it runs with it, and what that has started", async () => {
    const file = join(folder, "pid");
    // Silent, and deaf to a hang-up: nothing else would end it.
    const silent = `trap '' HUP PIPE; sleep 60 & echo $! $$ > ${file}; wait`;
    const code = `import { runProgram } from ${JSON.stringify(new URL("../../core/process.ts", import.meta.url).href)};
await runProgram("/bin/sh", ["-c", ${JSON.stringify(silent)}]);`;
    writeFileSync(join(folder, "main.mts"), code);
    const main = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), join(folder, "main.mts")], { stdio: ["ignore", "ignore", "inherit"] });
    // What runs for a moment alone is watched by nobody.
    await vi.waitFor(() => expect(runningProcesses().map(({ line }) => line)).toContainEqual(expect.stringMatching(new RegExp(` leash ${readFileSync(file, "utf8").trim().split(" ")[1]}$`))), 30_000);
    const pids = readFileSync(file, "utf8").trim().split(" ").map(Number);
    expect(pids.map((pid) => identityOf(pid) !== undefined)).toEqual([true, true]);
    main.kill("SIGKILL");
    await Promise.all(pids.map(gone));
  }, 60_000);
});

describe("running a program", () => {
  it("returns what it printed and its exit status, whatever that is", async () => {
    expect(await runProgram(...script("echo out; echo err >&2; exit 3"))).toEqual({ exitCode: 3, stdout: "out\n", stderr: "err\n" });
  });

  it("hands it text on standard input, and closes that input where there is none", async () => {
    expect((await runProgram("/bin/cat", [], { input: "text\n" })).stdout).toBe("text\n");
    expect((await runProgram("/bin/cat", [])).stdout).toBe("");
  });

  it("reports death by a signal as a shell does", async () => {
    expect((await runProgram(...script("kill -KILL $$"))).exitCode).toBe(137);
  });

  it("calls back for each line of both streams", async () => {
    const lines: string[] = [];
    await runProgram(...script("printf 'one\\ntwo'; echo three >&2"), { onLine: (line, stream) => lines.push(`${stream} ${line}`) });
    expect(lines.sort()).toEqual(["stderr three", "stdout one", "stdout two"]);
  });

  it("passes no argument through a shell", async () => {
    expect((await runProgram("/usr/bin/printf", ["%s", "$HOME; `id`"])).stdout).toBe("$HOME; `id`");
  });

  it("tells the trace of its life: its base name and pid, and none of its arguments", async () => {
    const trace = recordTrace();
    const { stdout } = await runProgram(...script("echo $$; : secret; exit 1"), { trace });
    expect(trace.spans).toEqual([{ name: "sh", category: "child", fields: { pid: Number(stdout) }, ended: true }]);
  });

  it("tells the trace of one that was ended, and of none that did not start", async () => {
    const trace = recordTrace();
    await expect(runProgram(...script("sleep 60"), { trace, timeoutMs: 1 })).rejects.toMatchObject({ code: "deadline" });
    await expect(runProgram(join(folder, "absent"), [], { trace })).rejects.toMatchObject({ code: "missing-program" });
    expect(trace.spans).toMatchObject([{ name: "sh", ended: true }]);
  });

  it("says which program is missing", async () => {
    await expect(runProgram(join(folder, "absent"), [])).rejects.toMatchObject({ code: "missing-program", message: `${folder}/absent is not there` });
  });

  it("says which program is not executable", async () => {
    const file = join(folder, "plain");
    writeFileSync(file, "text");
    await expect(runProgram(file, [])).rejects.toMatchObject({ code: "missing-program", message: `${file} is not executable`, hint: `chmod +x ${file}` });
  });

  it("tells a missing working folder from a missing program", async () => {
    await expect(runProgram("/bin/true", [], { cwd: join(folder, "absent") })).rejects.toMatchObject({ message: `cannot run /bin/true: its working folder ${folder}/absent is not there` });
  });

  it("ends the program and its children when the limit passes", async () => {
    const file = join(folder, "pid");
    await expect(runProgram(...family(file), { timeoutMs: 300 })).rejects.toMatchObject({ code: "deadline", message: "/bin/sh did not end within 0.3 s" });
    await gone(Number(readFileSync(file, "utf8")));
  });

  it("ends the program and its children when it is interrupted", async () => {
    const file = join(folder, "pid");
    const controller = new AbortController();
    await expect(runProgram(...family(file), { signal: controller.signal, onLine: () => controller.abort() })).rejects.toMatchObject({ code: "interrupted" });
    await gone(Number(readFileSync(file, "utf8")));
  });

  it("does not begin under a signal that has been given already", async () => {
    await expect(runProgram(...script(`echo > ${folder}/ran`), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "interrupted" });
    expect(() => readFileSync(join(folder, "ran"))).toThrow("ENOENT");
  });
});

describe("running a command", () => {
  it("takes its working folder and variables from the command", async () => {
    const command = new Command("/bin/sh", { cwd: folder, env: { COLOUR: "red" } }).add("-c", 'echo "$PWD $COLOUR"');
    expect((await runCommand(command)).stdout).toBe(`${folder} red\n`);
    expect((await runCommand(command.toRecord())).stdout).toBe(`${folder} red\n`);
  });

  it("throws with the end of what it printed, and how to see it fail", async () => {
    const command = new Command("/bin/sh", { name: "maker" }).add("-c", "echo no space left >&2; exit 5");
    await expect(runCommand(command, { code: "disk", title: "making the disk" })).rejects.toMatchObject({
      code: "disk", message: "making the disk: maker ended with exit status 5: no space left", details: ["no space left"],
      hint: "To see it fail: /bin/sh -c 'echo no space left >&2; exit 5'",
    });
  });

  it("takes standard output for the reason where standard error is empty", async () => {
    await expect(runCommand(new Command("/bin/sh").add("-c", "echo reason; exit 1"))).rejects.toMatchObject({ message: "sh ended with exit status 1: reason" });
  });
});

it("takes the last lines of a text without the empty ones", () => {
  expect(lastLines("a\n\nb\r\nc\n", 2)).toEqual(["b", "c"]);
});

import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect as dial } from "node:net";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { execOverKeeper, keeperShell, openStream, type CommandControl, type CommandIo, type ExecRequest } from "../../../core/keeper/client.ts";
import { encodeFrame } from "../../../core/keeper/frames.ts";
import { protocolVersion, stdinWindow, type ExitBody } from "../../../core/keeper/protocol.ts";
import { serveExec, serveSftp } from "../../../core/keeper/streams.ts";
import { run, type GuestConnection } from "../../../core/ssh.ts";
import { startKeeperSocket } from "../../fixtures/keeper.ts";
import { guestWithLogin, scratchFolder, type GuestWithLogin } from "../../fixtures/login.ts";

interface Served extends GuestWithLogin {
  readonly path: string;
  readonly connection: GuestConnection;
}

/** A keeper's socket that serves a fake guest's commands. */
async function served(options: Parameters<typeof guestWithLogin>[0] = {}): Promise<Served> {
  const there = await guestWithLogin(options);
  const connection = await there.connect();
  const path = await startKeeperSocket(async (socket, request) => {
    if (request.op === "exec") await serveExec(socket, request, connection);
    else if (request.op === "sftp") await serveSftp(socket, request, connection);
  });
  return { ...there, path, connection };
}

class Collector extends Writable {
  readonly chunks: Buffer[] = [];
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    done();
    this.emit("got");
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

async function exec(path: string, request: ExecRequest, io: Partial<CommandIo> = {}, signal?: AbortSignal): Promise<{ exit: ExitBody; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new Collector(), new Collector()];
  const exit = await execOverKeeper(path, request, { stdout, stderr, ...io }, signal);
  return { exit, stdout: stdout.text, stderr: stderr.text };
}

describe("a command over the keeper", () => {
  it("has its input, both outputs and its exit status", async () => {
    const { path } = await served();
    expect(await exec(path, { command: "cat; echo problem >&2; exit 3" }, { stdin: Readable.from(["in", "put"]) })).toEqual({ exit: { exitCode: 3 }, stdout: "input", stderr: "problem\n" });
  });

  it("has no input where none is given", async () => {
    const { path } = await served();
    expect(await exec(path, { command: "cat" })).toEqual({ exit: { exitCode: 0 }, stdout: "", stderr: "" });
  });

  it("ends well when it was over before its outputs were read", async () => {
    const { connection } = await served();
    const path = await startKeeperSocket((socket, request) => request.op !== "exec" ? undefined : serveExec(socket, request, {
      ...connection,
      async exec(line) {
        const command = await connection.exec(line);
        await command.exit;
        await run(connection, "true"); // what came behind the exit is there by now
        return command;
      },
    }));
    expect(await exec(path, { command: "echo out; echo err >&2" })).toEqual({ exit: { exitCode: 0 }, stdout: "out\n", stderr: "err\n" });
    expect(await exec(path, { command: "true" })).toEqual({ exit: { exitCode: 0 }, stdout: "", stderr: "" });
  });

  it("tells of the signal that ended it", async () => {
    const { path } = await served();
    expect((await exec(path, { command: "kill -TERM $$" })).exit).toEqual({ exitCode: 143, signal: "SIGTERM" });
  });

  it("carries more input and output than any buffer holds", async () => {
    const { path } = await served();
    const bytes = Buffer.alloc(9_000_000, "0123456789abcdef");
    const { stdout, exit } = await exec(path, { command: "cat" }, { stdin: Readable.from([bytes.subarray(0, 5_000_000), bytes.subarray(5_000_000)]) });
    expect([stdout === bytes.toString(), exit]).toEqual([true, { exitCode: 0 }]);
  });

  it("does not read its input faster than the guest takes it, and hears a signal all the same", async () => {
    const { path, connection } = await served();
    let read = 0;
    const endless = new Readable({
      read() {
        read += 65536;
        this.push(Buffer.alloc(65536));
      },
    });
    let control: CommandControl | undefined;
    const running = exec(path, { command: "trap 'exit 9' INT; while :; do sleep 0.01; done" }, { stdin: endless, attach: (given) => ((control = given), () => {}) });
    for (let round = 0; round < 10; round += 1) await run(connection, "sleep 0.05");
    // Ours, ssh's own window and buffers on the way.
    expect(read).toBeLessThan(16 * 1024 * 1024);
    control?.signal("SIGINT");
    expect((await running).exit).toEqual({ exitCode: 9 });
  });

  it("is held back by an output that is read slowly", async () => {
    const { path } = await served();
    let taken = 0;
    const slow = new Writable({
      highWaterMark: 1024,
      write(chunk: Buffer, _encoding, done) {
        taken += chunk.length;
        setImmediate(done);
      },
    });
    const exit = await execOverKeeper(path, { command: "head -c 5000000 /dev/zero" }, { stdout: slow, stderr: new Collector() });
    expect([taken, exit]).toEqual([5_000_000, { exitCode: 0 }]);
  });

  it("is hung up when nobody reads its output any more, as a pipe's SIGPIPE would", async () => {
    const { path } = await served();
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error("broken pipe"), { code: "EPIPE" })) });
    expect(await execOverKeeper(path, { command: "while :; do echo y; done" }, { stdout: broken, stderr: new Collector() })).toEqual({ exitCode: 141, signal: "SIGPIPE" });
  });

  it("is a login shell on a pty without a command, resized as told", async () => {
    const { path, guest } = await served();
    const stdin = new PassThrough();
    const running = exec(path, { pty: { term: "xterm", cols: 80, rows: 24 } }, {
      stdin,
      attach: ({ resize }) => {
        resize(132, 50);
        stdin.end("echo shell $TERM; exit 4\n");
        return () => {};
      },
    });
    expect(await running).toEqual({ exit: { exitCode: 4 }, stdout: "shell xterm\n", stderr: "" });
    expect([guest.commands, guest.windows]).toEqual([[""], [{ cols: 80, rows: 24 }, { cols: 132, rows: 50 }]]);
  });

  it("calls the undo of what was attached, however it ends", async () => {
    const { path } = await served();
    const calls: string[] = [];
    const attach = (name: string) => () => {
      calls.push(`on ${name}`);
      return () => void calls.push(`off ${name}`);
    };
    await exec(path, { command: "true" }, { attach: attach("true") });
    const over = new AbortController();
    const running = exec(path, { command: "sleep 60" }, { attach: attach("sleep") }, over.signal);
    while (calls.length < 3) await new Promise(setImmediate);
    over.abort();
    await expect(running).rejects.toMatchObject({ code: "interrupted" });
    expect(calls).toEqual(["on true", "off true", "on sleep", "off sleep"]);
  });

  it("is hung up when its client goes away", async () => {
    const gone = join(scratchFolder(), "gone");
    const { path, connection } = await served();
    const over = new AbortController();
    const stdout = new Collector();
    const running = exec(path, { command: `trap 'touch ${gone}; exit' HUP; echo ready; while :; do sleep 0.01; done` }, { stdout }, over.signal);
    await once(stdout, "got");
    over.abort();
    await expect(running).rejects.toMatchObject({ code: "interrupted" });
    await run(connection, `while [ ! -e ${gone} ]; do sleep 0.01; done`);
    expect(existsSync(gone)).toBe(true);
  });

  it("fails with what happened when ssh is lost", async () => {
    const { path, guest } = await served();
    const stdout = new Collector();
    const running = exec(path, { command: "echo ready; exec sleep 60" }, { stdout });
    await once(stdout, "got");
    guest.drop();
    await expect(running).rejects.toMatchObject({ code: "ssh", message: "the ssh channel closed before the command told how it ended" });
  });

  it("fails with what happened when ssh is already gone", async () => {
    const { path, guest, connection } = await served();
    guest.drop();
    await connection.closed;
    await expect(exec(path, { command: "true" })).rejects.toMatchObject({ code: "ssh", message: expect.stringContaining("the connection is closed") });
  });

  it("ignores a signal that ssh cannot carry", async () => {
    const { path } = await served();
    const attach = ({ signal }: CommandControl) => {
      signal("SIGWINCH");
      return () => {};
    };
    expect((await exec(path, { command: "exit 2" }, { attach })).exit).toEqual({ exitCode: 2 });
  });
});

describe("a client that breaks the rules", () => {
  it.each([
    ["too much input", Buffer.concat(Array.from({ length: 16 }, () => encodeFrame("stdin", Buffer.alloc(stdinWindow)))), "too much input under way"],
    ["a frame that is the keeper's", encodeFrame("stdout"), "a client sent a frame of the kind stdout"],
    ["no frame at all", Buffer.from("GET / HTTP/1.1\r\n"), "a frame of the unknown kind 71"],
  ])("with %s is told so", async (_what, bytes, message) => {
    const { path } = await served();
    // What it sends after it was told may find nobody.
    const socket = dial(path).on("error", () => {});
    socket.write(`${JSON.stringify({ v: protocolVersion, op: "exec", command: "sleep 60" })}\n`);
    await once(socket, "data");
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(bytes);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(answer).toContain(message);
  });
});

describe("the keeper's shell for scripts", () => {
  it("runs a command and keeps what it wrote", async () => {
    const shell = keeperShell((await served()).path);
    expect(await shell.exec(["printf", "%s|", "a b", "$HOME"])).toEqual({ exitCode: 0, stdout: "a b|$HOME|", stderr: "" });
    expect(await shell.exec("cat; exit 2", { input: "in" })).toEqual({ exitCode: 2, stdout: "in", stderr: "" });
  });

  it("ends a command that takes too long", async () => {
    await expect(keeperShell((await served()).path).exec("sleep 60", { timeoutMs: 100 })).rejects.toMatchObject({ code: "deadline", message: "the guest's command did not end within 0.1 s: sleep 60" });
  });

  it("is interrupted by its signal", async () => {
    await expect(keeperShell((await served()).path).exec("sleep 60", { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: "interrupted" });
  });
});

it("serves the bytes of SFTP", async () => {
  const { path } = await served({ files: scratchFolder() });
  const stream = await openStream(path, { v: protocolVersion, op: "sftp" });
  // SSH_FXP_INIT of version 3, and SSH_FXP_VERSION back (draft-ietf-secsh-filexfer-02, 4).
  await stream.send("stdin", Buffer.from("000000050100000003", "hex"));
  for await (const { kind, bytes } of stream.frames) {
    if (kind === "consumed") continue;
    expect([kind, bytes.subarray(4, 9).toString("hex")]).toEqual(["stdout", "0200000003"]);
    break;
  }
});

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { Readable, Writable } from "node:stream";
import { onTestFinished } from "vitest";
import { dispatch } from "../../../core/cli/dispatch.ts";
import { hostOfProcess } from "../../../core/host.ts";
import { readLine } from "../../../core/keeper/frames.ts";
import { protocolVersion, type KeeperRequest, type KeeperStatus } from "../../../core/keeper/protocol.ts";
import { serveExec } from "../../../core/keeper/streams.ts";
import type { Paths } from "../../../core/paths.ts";
import { identityOf } from "../../../core/process-identity.ts";
import type { MachineRecord } from "../../../core/record.ts";
import type { GuestConnection } from "../../../core/ssh.ts";
import { sampleRecord } from "../../support/record.ts";
import { makeTestFolder } from "../../support/folders.ts";

/** What one command line did. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** glowplug's command line over folders of its own. */
export interface CommandLine {
  readonly folder: string;
  readonly paths: Paths;
  /** Runs one line; `input` is its standard input. */
  run(argv: readonly string[], options?: { readonly input?: string; readonly signal?: AbortSignal; readonly env?: Readonly<Record<string, string>> }): Promise<Outcome>;
  /** Writes the record of a machine. */
  add(name: string, changes?: Partial<MachineRecord>): MachineRecord;
}

/** A command line for one test. */
export function commandLine(): CommandLine {
  const { path: folder, paths, remove } = makeTestFolder();
  onTestFinished(remove);
  return {
    folder, paths,
    async run(argv, { input = "", signal = new AbortController().signal, env = {} } = {}) {
      const stdout = new Kept();
      const stderr = new Kept();
      const status = await dispatch(argv, {
        stdin: Readable.from(input === "" ? [] : [Buffer.from(input)]), stdout, stderr, cwd: folder, signal, leaveFirst() {},
        paths, env, hostFor: (trace) => hostOfProcess(paths, trace),
      });
      return { status, stdout: stdout.text, stderr: stderr.text };
    },
    add(name, changes) {
      const record = sampleRecord(paths, name, changes);
      mkdirSync(paths.machine(name).logs, { recursive: true });
      writeFileSync(paths.machine(name).record, JSON.stringify(record));
      return record;
    },
  };
}

/** Answers for a machine as its keeper would, as long as the test runs: its status, and commands over a connection. */
export async function playKeeper(paths: Paths, name: string, changes: Partial<KeeperStatus> = {}, guest?: (user?: string) => Promise<GuestConnection>): Promise<void> {
  const files = paths.machine(name);
  const status: KeeperStatus = {
    pid: process.pid, version: "0.0.0", state: "running", children: [], accelerator: "tcg", ports: [], guestPorts: [], sockets: [], problems: [], begun: 0, times: {}, residentBytes: 1, ...changes,
  };
  mkdirSync(files.runtime, { recursive: true });
  writeFileSync(files.keeperProcess, JSON.stringify(identityOf(process.pid)));
  const server = createServer((socket) => {
    socket.on("error", () => {});
    void readLine(socket).then(async ({ line }) => {
      const request = JSON.parse(line) as KeeperRequest;
      if (request.op === "exec" && guest) await serveExec(socket, request, await guest(request.user));
      else socket.end(`${JSON.stringify({ ok: true, v: protocolVersion, value: status })}\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(files.keeperSocket, resolve));
  chmodSync(files.keeperSocket, 0o600);
  onTestFinished(() => void server.close());
}

class Kept extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

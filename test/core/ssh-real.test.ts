import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { makeKeyPair } from "../../core/keys.ts";
import { connectGuest, forwardSocket, run, type GuestCommand } from "../../core/ssh.ts";
import { scratchFolder } from "../fixtures/login.ts";
import { startSshd } from "../fixtures/sshd.ts";

it("logs in to OpenSSH's server and runs commands side by side", async () => {
  const connection = await (await startSshd()).connect();
  const results = await Promise.all(Array.from({ length: 20 }, (_, index) => run(connection, ["sh", "-c", `cat; echo ${index} >&2; exit ${index}`], { input: "in" })));
  expect(results).toEqual(results.map((_, index) => ({ exitCode: index, stdout: "in", stderr: `${index}\n` })));
});

it("runs commands without the start-up files of this account", async () => {
  const connection = await (await startSshd()).connect();
  const { stdout } = await run(connection, "cd && pwd && ls -A");
  expect(stdout.trim().split("\n")).toEqual([expect.stringContaining(tmpdir()), "authorized", "config", "host", "log"]);
});

it("checks OpenSSH's host key", async () => {
  const { login } = await startSshd();
  await expect(connectGuest({ ...login, hostKey: makeKeyPair("other").publicKey })).rejects.toMatchObject({ code: "host-key" });
  await expect(connectGuest({ ...login, privateKey: makeKeyPair("other").privateKey })).rejects.toMatchObject({ code: "ssh", stage: "login" });
});

it("keeps the exit status of a command that closed its output and input long before", async () => {
  const connection = await (await startSshd()).connect();
  expect(await run(connection, "exec <&- >&- 2>&-; sleep 0.2; exit 5")).toEqual({ exitCode: 5, stdout: "", stderr: "" });
});

it("tells of the signal that ended a command", async () => {
  const connection = await (await startSshd()).connect();
  expect(await run(connection, "kill -TERM $$")).toEqual({ exitCode: 143, signal: "SIGTERM", stdout: "", stderr: "" });
});

/** Reads until a text has come. */
function waitFor(command: GuestCommand, text: string): Promise<void> {
  let seen = "";
  return new Promise((resolve, reject) => {
    command.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
    command.exit.then(() => reject(new Error(`ended before ${text}: ${seen}`)), reject);
  });
}

it("has a pty of the right size, resizes it, and interrupts what runs in it", async () => {
  const shell = await (await (await startSshd()).connect()).shell({ term: "xterm", cols: 101, rows: 31 });
  shell.stdin.write("stty size; echo term=$TERM\n");
  await waitFor(shell, "31 101");
  shell.resize(99, 29);
  shell.stdin.write("stty size\n");
  await waitFor(shell, "29 99");
  // One process that prints and sleeps: an interrupt between two commands of the shell's own would hit neither.
  shell.stdin.write("sh -c 'echo sl\\eeping; exec sleep 60'\n");
  await waitFor(shell, "sleeping");
  shell.stdin.write("\x03");
  shell.stdin.write("exit 6\n");
  expect(await shell.exit).toEqual({ exitCode: 6 });
});

it("survives many new key exchanges in a long transfer", async () => {
  const connection = await (await startSshd(["RekeyLimit 1M"])).connect();
  const command = await connection.exec("cat");
  const bytes = Buffer.alloc(12_000_000, "0123456789abcdef");
  command.stdin.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of command.stdout) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  expect(await command.exit).toEqual({ exitCode: 0 });
});

it("carries a unix socket, each direction ending by itself", async () => {
  const folder = scratchFolder();
  const [listen, guest] = [join(folder, "host.sock"), join(folder, "guest.sock")];
  // Ends its own side first and reads on; then the other way round.
  const heard: string[] = [];
  let heardBoth = (): void => {};
  const both = new Promise<void>((resolve) => (heardBoth = resolve));
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    let got = "";
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString();
      if (got === "you first") socket.end("bye");
    });
    socket.on("end", () => {
      heard.push(got);
      if (heard.length === 2) heardBoth();
      if (got !== "you first, then I") socket.end(`got ${got}`);
    });
  }).listen(guest);
  await once(server, "listening");
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  const connection = await (await startSshd()).connect();
  const forward = await forwardSocket({ listen, guest, connection: async () => connection });
  onTestFinished(() => forward.close());

  const first = connect({ path: listen, allowHalfOpen: true });
  first.end("I first");
  expect(await once(first, "data")).toEqual([Buffer.from("got I first")]);
  const second = connect({ path: listen, allowHalfOpen: true });
  second.write("you first");
  expect(await once(second, "data")).toEqual([Buffer.from("bye")]);
  second.resume();
  await once(second, "end");
  second.end(", then I");
  await Promise.all([once(second, "close"), both]);
  expect(heard).toEqual(["I first", "you first, then I"]);
});

it("says what it was when a socket is not there", async () => {
  const connection = await (await startSshd()).connect();
  await expect(connection.openSocket("/none.sock")).rejects.toMatchObject({ code: "ssh", message: expect.stringContaining("cannot open the guest's socket /none.sock") });
});

it("copies files over SFTP", async () => {
  const folder = scratchFolder();
  const bytes = Buffer.alloc(2_000_000, "glowplug");
  writeFileSync(join(folder, "sent"), bytes);
  const files = await (await (await startSshd()).connect()).sftp();
  await files.put(join(folder, "sent"), join(folder, "there"), { mode: 0o600 });
  await files.get(join(folder, "there"), join(folder, "back"));
  expect(readFileSync(join(folder, "back")).equals(bytes)).toBe(true);
  expect(await files.stat(join(folder, "there"))).toMatchObject({ kind: "file", mode: 0o600, size: 2_000_000 });
  await files.symlink("there", join(folder, "link"));
  expect(await files.readlink(join(folder, "link"))).toBe("there");
  expect((await files.readdir(folder)).map(({ name }) => name).sort()).toEqual(expect.arrayContaining(["back", "link", "sent", "there"]));
});

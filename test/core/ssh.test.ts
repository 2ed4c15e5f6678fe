import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { fingerprint, makeKeyPair } from "../../core/keys.ts";
import { connectGuest, run } from "../../core/ssh.ts";
import { guestWithLogin, scratchFolder } from "../fixtures/login.ts";

/** A server on loopback that is no sshd. */
async function listenWith(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

describe("logging in", () => {
  it("works with the machine's key and the pinned host key", async () => {
    const { guest, connect } = await guestWithLogin();
    const connection = await connect();
    expect(connection.user).toBe("core");
    expect([...guest.connections]).toEqual([{ user: "core" }]);
  });

  it("is refused when the guest shows another host key, and says which were expected and found", async () => {
    const { login, guest, hostKeys } = await guestWithLogin();
    const expected = makeKeyPair("other").publicKey;
    await expect(connectGuest({ ...login, hostKey: expected })).rejects.toMatchObject({
      code: "host-key", stage: "handshake",
      message: `127.0.0.1:${guest.port} is not this machine: expected the host key ${fingerprint(expected)}, found ${fingerprint(hostKeys.publicKey)}`,
    });
  });

  it("takes the key of a guest that nobody knows yet, and tells it once the login is done", async () => {
    const { login, hostKeys } = await guestWithLogin();
    const told: string[] = [];
    const connection = await connectGuest({ ...login, hostKey: "", onHostKey: (key) => told.push(key) });
    await connection.end();
    expect(told).toEqual([hostKeys.publicKey.split(" ").slice(0, 2).join(" ")]);
    await expect(connectGuest({ ...login, hostKey: "", privateKey: makeKeyPair("stranger").privateKey, onHostKey: (key) => told.push(key) })).rejects.toMatchObject({ code: "ssh" });
    expect(told).toHaveLength(1);
  });

  it.each([
    ["an unknown key", { privateKey: makeKeyPair("stranger").privateKey }, "core"],
    ["an unknown user", { user: "nobody" }, "nobody"],
  ])("is refused with %s", async (_what, changes, user) => {
    const { login, guest } = await guestWithLogin();
    await expect(connectGuest({ ...login, ...changes })).rejects.toMatchObject({
      code: "ssh", stage: "login", message: `127.0.0.1:${guest.port} does not let ${user} in with this machine's key`,
    });
  });

  it("is refused with a private key that is none", async () => {
    const { login } = await guestWithLogin();
    await expect(connectGuest({ ...login, privateKey: "nonsense" })).rejects.toMatchObject({ code: "ssh", message: expect.stringContaining("the private key for core") });
  });

  it("tells when nothing listens", async () => {
    const { login, guest } = await guestWithLogin();
    await guest.close();
    await expect(connectGuest(login)).rejects.toMatchObject({ code: "ssh", stage: "connect", message: `nothing listens on 127.0.0.1:${guest.port}: connection refused` });
  });

  it("tells when a port answers and says nothing, as that of a booting guest does", async () => {
    const { login } = await guestWithLogin();
    const port = await listenWith(createServer((socket) => socket.on("error", () => {}).resume()));
    await expect(connectGuest({ ...login, port, timeoutMs: 50 })).rejects.toMatchObject({
      code: "ssh", stage: "handshake", message: `no ssh login on 127.0.0.1:${port} within 0.05 s: no ssh handshake came to its end`,
    });
  });

  it("tells when the connection is closed at once", async () => {
    const { login } = await guestWithLogin();
    const port = await listenWith(createServer((socket) => socket.on("error", () => {}).resume().end()));
    await expect(connectGuest({ ...login, port })).rejects.toMatchObject({ code: "ssh", stage: "handshake" });
  });

  it("tells when another protocol is spoken", async () => {
    const { login } = await guestWithLogin();
    const port = await listenWith(createServer((socket) => socket.on("error", () => {}).resume().end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    await expect(connectGuest({ ...login, port })).rejects.toMatchObject({ code: "ssh", stage: "handshake" });
  });

  it.each([["before it began", AbortSignal.abort()], ["on its way", AbortSignal.timeout(30)]])("is interrupted %s", async (_when, signal) => {
    const { login } = await guestWithLogin();
    const port = await listenWith(createServer((socket) => socket.on("error", () => {}).resume()));
    await expect(connectGuest({ ...login, port, signal })).rejects.toMatchObject({ code: "interrupted" });
  });
});

describe("a command", () => {
  it("has its input, both outputs and its exit status", async () => {
    const connection = await (await guestWithLogin()).connect();
    const command = await connection.exec("cat; echo problem >&2; exit 3");
    command.stdin.end("input");
    expect(await Promise.all([text(command.stdout), text(command.stderr), command.exit])).toEqual(["input", "problem\n", { exitCode: 3 }]);
  });

  it("tells of the signal that ended it", async () => {
    const connection = await (await guestWithLogin()).connect();
    const command = await connection.exec("kill -TERM $$");
    command.stdout.resume();
    expect(await command.exit).toEqual({ exitCode: 143, signal: "SIGTERM" });
  });

  it("gets a signal also after its input has ended", async () => {
    const { guest, connect } = await guestWithLogin();
    const command = await (await connect()).exec("trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.01; done");
    command.stdin.end();
    await once(command.stdin, "finish");
    const output = text(command.stdout);
    await once(command.stdout, "data");
    command.signal("SIGINT");
    expect(await command.exit).toEqual({ exitCode: 7 });
    expect(await output).toBe("ready\ncaught\n");
    expect(guest.signals).toEqual(["INT"]);
  });

  it("is not sent a signal that ssh does not know", async () => {
    const command = await (await (await guestWithLogin()).connect()).exec("true");
    expect(() => command.signal("SIGWINCH")).toThrow("SIGWINCH is no signal that ssh can send");
  });

  it("may close its output and go on", async () => {
    const folder = scratchFolder();
    const command = await (await (await guestWithLogin()).connect()).exec(`exec >&- 2>&-; cat > ${folder}/it; exit 5`);
    expect(await text(command.stdout)).toBe("");
    command.stdin.end("read on");
    expect(await command.exit).toEqual({ exitCode: 5 });
  });

  it("may end without reading its input", async () => {
    const command = await (await (await guestWithLogin()).connect()).exec("exit 0");
    command.stdin.end(Buffer.alloc(8 * 1024 * 1024));
    expect(await text(command.stdout)).toBe("");
    expect(await command.exit).toEqual({ exitCode: 0 });
  });

  it("loses nothing of a long output that is read slowly", async () => {
    const command = await (await (await guestWithLogin()).connect()).exec("head -c 6000000 /dev/zero");
    let length = 0;
    for await (const chunk of command.stdout) {
      length += (chunk as Buffer).length;
      if (length % 7 === 0) await new Promise(setImmediate);
    }
    expect(length).toBe(6_000_000);
    expect(await command.exit).toEqual({ exitCode: 0 });
  });

  it("is one of many over one connection at once", async () => {
    const { guest, connect } = await guestWithLogin();
    const connection = await connect();
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => run(connection, `echo ${index}; exit ${index}`)));
    expect(results).toEqual(Array.from({ length: 20 }, (_, index) => ({ exitCode: index, stdout: `${index}\n`, stderr: "" })));
    expect(guest.connections.size).toBe(1);
  });

  it("has a pty of the size that was asked for, and of each later one", async () => {
    const { guest, connect } = await guestWithLogin();
    const shell = await (await connect()).shell({ term: "xterm", cols: 100, rows: 30 });
    shell.resize(120, 40);
    shell.stdin.end("echo $TERM; exit 4\n");
    expect(await Promise.all([text(shell.stdout), shell.exit])).toEqual(["xterm\n", { exitCode: 4 }]);
    expect(guest.windows).toEqual([{ cols: 100, rows: 30 }, { cols: 120, rows: 40 }]);
  });

  it("hears SIGHUP when it is closed", async () => {
    const gone = join(scratchFolder(), "gone");
    const { guest, connect } = await guestWithLogin();
    const connection = await connect();
    const command = await connection.exec(`trap 'touch ${gone}; exit' HUP; echo ready; while :; do sleep 0.01; done`);
    await once(command.stdout, "data");
    command.close();
    await expect(command.exit).rejects.toMatchObject({ code: "ssh" });
    await run(connection, `while [ ! -e ${gone} ]; do sleep 0.01; done`);
    expect(existsSync(gone)).toBe(true);
    expect(guest.signals).toEqual(["HUP"]);
  });

  it("is closed when its signal aborts", async () => {
    const over = new AbortController();
    const command = await (await (await guestWithLogin()).connect()).exec("sleep 60", { signal: over.signal });
    over.abort();
    await expect(command.exit).rejects.toMatchObject({ code: "ssh" });
  });
});

describe("a connection", () => {
  it("that is lost fails its commands, ends their outputs early, and opens nothing more", async () => {
    const { guest, connect } = await guestWithLogin();
    const connection = await connect();
    const command = await connection.exec("echo ready; exec sleep 60");
    await once(command.stdout, "data");
    guest.drop();
    await expect(command.exit).rejects.toMatchObject({ code: "ssh", message: "the ssh channel closed before the command told how it ended" });
    await connection.closed;
    expect([command.stdout.destroyed, command.stdout.readableEnded]).toEqual([true, false]);
    await expect(connection.exec("true")).rejects.toMatchObject({ code: "ssh", message: `127.0.0.1:${guest.port}: cannot open a command (true): the connection is closed` });
  });

  it("is given up when the guest answers nothing any more", async () => {
    const { guest, connect } = await guestWithLogin();
    const connection = await connect({ keepaliveMs: 20 });
    guest.freeze();
    expect(await connection.closed).toMatchObject({ message: "Keepalive timeout" });
  });

  it("ends without an error when it is told to", async () => {
    const connection = await (await guestWithLogin()).connect();
    await connection.end();
    expect(await connection.closed).toBeUndefined();
  });

  it("ends within a second also when the guest does not answer", async () => {
    const { guest, connect } = await guestWithLogin();
    const connection = await connect();
    guest.freeze();
    const begun = Date.now();
    await connection.end();
    expect(Date.now() - begun).toBeLessThan(3000);
  });

  it("runs a command with input of a file's size there and back", async () => {
    const connection = await (await guestWithLogin()).connect();
    const folder = scratchFolder();
    const bytes = Buffer.alloc(5_000_000, "0123456789abcdef");
    writeFileSync(join(folder, "sent"), bytes);
    const command = await connection.exec("cat");
    command.stdin.end(bytes);
    const chunks: Buffer[] = [];
    for await (const chunk of command.stdout) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });
});

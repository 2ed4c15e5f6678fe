import { connect } from "node:net";
import { Client, utils, type ClientChannel } from "ssh2";
import { MachineError, messageOf } from "./errors.ts";
import { fingerprint, fingerprintOf, keyBlob, type KeyPair } from "./keys.ts";
import { limitWait, type Limits } from "./limit.ts";
import { GuestStream, guestCommand } from "./ssh/channel.ts";
import type { GuestCommand, GuestConnection, Pty } from "./ssh/connection.ts";
import { guestFiles } from "./ssh/files.ts";
import { bareSignal, sshSignals } from "./ssh/signals.ts";

export type { CommandExit, GuestCommand, GuestConnection, GuestFileInfo, GuestFiles, Pty } from "./ssh/connection.ts";
export { carry, forwardPort, forwardSocket, type Forward, type ForwardOptions } from "./ssh/forward.ts";
export { commandLine, run } from "./ssh/run.ts";

export interface ConnectOptions extends Limits {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The key's text, in OpenSSH's format. */
  readonly privateKey: string;
  /** The one key that the guest may show, as a public key line: "ssh-ed25519 AAAA…". Empty for a guest whose key nobody knows yet: any is taken. */
  readonly hostKey: string;
  /** Hears which key was taken once the login is done, where none was pinned. */
  onHostKey?(hostKey: string): void;
  /** Until the login. Default: 20000. */
  readonly timeoutMs?: number;
  /** Ends the attempt; an open connection is left alone. */
  readonly signal?: AbortSignal;
  /** Between two questions whether the guest is still there; after three without an answer the connection is given up. Default: 15000. */
  readonly keepaliveMs?: number;
}

/** How far an attempt came. Told as the error's stage. */
type Stage = "connect" | "handshake" | "login";

/**
 * Logs in to a guest. Throws MachineError "host-key" when another key than the pinned one is shown, and "ssh" for
 * everything else: refused, too late, no key accepted. One attempt: whoever waits for a boot tries again.
 */
export function connectGuest(options: ConnectOptions): Promise<GuestConnection> {
  const { host, port, user, privateKey, hostKey, signal, timeoutMs = 20_000, keepaliveMs = 15_000 } = options;
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    const pinned = hostKey === "" ? undefined : keyBlob(hostKey);
    let taken: string | undefined;
    // Its own socket without Nagle's delay, from the first byte: ssh2's setNoDelay comes after a login that took four times as long.
    const socket = connect({ host, port, noDelay: true });
    const client = new Client();
    let stage: Stage = "connect";
    let settled = false;
    let shown: string | undefined;
    let last: Error | undefined;
    let off = (): void => {};
    const closed = new Promise<Error | undefined>((gone) => client.once("close", () => gone(last)));

    const fail = (error: MachineError): void => {
      if (settled) return;
      settled = true;
      off();
      socket.destroy();
      reject(error);
    };
    off = limitWait({ timeoutMs, ...(signal && { signal }) }, (reason) => fail(reason === "interrupted"
      ? new MachineError("interrupted", `logging in to ${place} was interrupted`, { stage })
      : new MachineError("ssh", `no ssh login on ${place} within ${timeoutMs / 1000} s: ${waitedFor[stage]}`, { stage, hint: consoleHint })));
    if (settled) return;

    client.on("error", (error) => {
      last = error;
      if (shown !== undefined && pinned && shown !== fingerprintOf(pinned)) {
        fail(new MachineError("host-key", `${place} is not this machine: expected the host key ${fingerprint(hostKey)}, found ${shown}`, {
          stage, cause: error, hint: "Another program or machine listens on that port; stop and start this one to have a port of its own.",
        }));
      } else fail(explain(error, stage, place, user, hostKey));
    });
    socket.once("connect", () => (stage = "handshake"));
    client.once("handshake", () => (stage = "login"));
    client.once("close", () => fail(new MachineError("ssh", `${place} closed the connection: ${waitedFor[stage]}`, { stage, hint: consoleHint })));
    client.once("ready", () => {
      if (settled) return;
      settled = true;
      off();
      last = undefined;
      if (taken !== undefined) options.onHostKey?.(taken);
      resolve(guestConnection(client, user, place, closed, () => socket.destroy()));
    });
    try {
      client.connect({
        sock: socket, username: user, privateKey,
        // The other limits are ours; ssh2's would not say what was waited for.
        readyTimeout: 0, keepaliveInterval: keepaliveMs, keepaliveCountMax: 3,
        // The key at once, without asking first which methods there are: one round trip less.
        authHandler: ["publickey"],
        algorithms: { serverHostKey: ["ssh-ed25519"] },
        // Guests with another server than OpenSSH's may carry unix sockets too.
        strictVendor: false,
        hostVerifier: (key: Buffer) => {
          shown = fingerprintOf(key);
          if (pinned) return key.equals(pinned);
          taken = `ssh-ed25519 ${key.toString("base64")}`;
          return true;
        },
      });
    } catch (cause) {
      fail(new MachineError("ssh", `the private key for ${user} on ${place} cannot be used: ${messageOf(cause)}`, { stage, cause, hint: "It should be an OpenSSH private key without a passphrase." }));
    }
  });
}

const consoleHint = "The guest may still be booting, or its sshd is not running: look at its console.";
const waitedFor: Readonly<Record<Stage, string>> = {
  connect: "nothing answered", handshake: "no ssh handshake came to its end", login: "the login came to no end",
};

function explain(error: Error & { level?: string; code?: unknown }, stage: Stage, place: string, user: string, hostKey: string): MachineError {
  const options = { stage, cause: error, hint: consoleHint };
  if (error.level === "client-authentication") {
    return new MachineError("ssh", `${place} does not let ${user} in with this machine's key`, {
      ...options, hint: `Does the guest have a user ${user}, and the machine's public key in authorized_keys?`,
    });
  }
  if (error.message.includes("no matching host key format")) {
    return new MachineError("host-key", `${place} is not this machine: expected ${hostKey === "" ? "an ed25519 host key" : `the host key ${fingerprint(hostKey)}`}, found no ed25519 key at all`, options);
  }
  if (error.code === "ECONNREFUSED") return new MachineError("ssh", `nothing listens on ${place}: connection refused`, options);
  return new MachineError("ssh", `no ssh connection to ${place}: ${error.message}`, options);
}

type ChannelCallback = (error: Error | undefined, channel: ClientChannel) => void;

function guestConnection(client: Client, user: string, place: string, closed: Promise<Error | undefined>, destroy: () => void): GuestConnection {
  const streams = new Set<GuestStream>();
  let open = true;
  let ending = false;
  // Before ssh2 ends the channels, which would look like an end in good order.
  client.once("close", () => {
    open = false;
    for (const stream of streams) stream.lose();
  });
  // `make` listens to what was opened in the very call that hands it over: a short command's exit may lie in the same packet.
  const ask = <T, R>(what: string, request: (done: (error: Error | undefined, value: T) => void) => unknown, make: (value: T) => R): Promise<R> =>
    new Promise((resolve, reject) => {
      const refuse = (cause: unknown): void => reject(new MachineError("ssh", `${place}: cannot open ${what}: ${open ? messageOf(cause) : "the connection is closed"}`, { cause }));
      try {
        request((error, value) => (error ? refuse(error) : resolve(make(value))));
      } catch (error) {
        refuse(error);
      }
    });
  const streamOf = (channel: ClientChannel): GuestStream => {
    const stream = new GuestStream(channel);
    streams.add(stream);
    stream.once("close", () => streams.delete(stream));
    if (!open) stream.lose();
    return stream;
  };
  const commandOf = (channel: ClientChannel, signal?: AbortSignal): GuestCommand => {
    const command = guestCommand(channel, streamOf(channel), (name) => sendSignal(channel, name));
    const off = limitWait({ ...(signal && { signal }) }, () => command.close());
    void command.exit.then(off, off);
    return command;
  };
  return {
    user,
    closed: closed.then((error) => (ending ? undefined : error)),
    exec: (command, { pty, signal } = {}) =>
      ask(`a command (${command.slice(0, 60)})`, (done: ChannelCallback) => client.exec(command, pty ? { pty: ptyOptions(pty) } : {}, done), (channel) => commandOf(channel, signal)),
    shell: (pty, { signal } = {}) => ask("a shell", (done: ChannelCallback) => client.shell(pty ? ptyOptions(pty) : false, done), (channel) => commandOf(channel, signal)),
    subsystem: (name) => ask(`the subsystem ${name}`, (done: ChannelCallback) => client.subsys(name, done), (channel) => commandOf(channel)),
    sftp: () => ask("sftp", (done: Parameters<Client["sftp"]>[0]) => client.sftp(done), (channel) => guestFiles(channel, closed)),
    openSocket: (path) => ask(`the guest's socket ${path}`, (done: ChannelCallback) => client.openssh_forwardOutStreamLocal(path, done), streamOf),
    openPort: (host, port) => ask(`${host}:${port} from the guest`, (done: ChannelCallback) => client.forwardOut("127.0.0.1", 0, host, port, done), streamOf),
    async end() {
      ending = true;
      client.end();
      const limit = setTimeout(destroy, 1000);
      await closed;
      clearTimeout(limit);
    },
  };
}

function ptyOptions({ term, cols, rows }: Pty): { term: string; cols: number; rows: number; width: number; height: number } {
  return { term, cols, rows, width: 0, height: 0 };
}

/**
 * ssh2's own `signal` (Channel.js, 1.17) does nothing once standard input has ended, which is when a Ctrl-C is needed
 * most. So the message is sent by its protocol object, which has no such rule.
 */
function sendSignal(channel: ClientChannel, name: string): void {
  const bare = bareSignal(name);
  if (!sshSignals.includes(bare)) throw new MachineError("usage", `${name} is no signal that ssh can send`, { hint: `It knows ${sshSignals.join(", ")}.` });
  const { outgoing, _client } = channel as unknown as { outgoing: { id: number; state: string }; _client: { _protocol: { signal(id: number, name: string): void } } };
  if (outgoing.state === "open" || outgoing.state === "eof") _client._protocol.signal(outgoing.id, bare);
}

/** A private key in OpenSSH's format with its public half, which has no comment; undefined for a text that is none. */
export function readKeyPair(privateKey: string): KeyPair | undefined {
  const parsed = utils.parseKey(privateKey);
  if (parsed instanceof Error || !parsed.isPrivateKey()) return undefined;
  return { privateKey, publicKey: `${parsed.type} ${parsed.getPublicSSH().toString("base64")}` };
}

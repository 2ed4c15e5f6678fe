import type { Duplex, Readable, Writable } from "node:stream";

export interface Pty {
  /** The terminal's type: "xterm-256color". */
  readonly term: string;
  readonly cols: number;
  readonly rows: number;
}

/** How a command of the guest ended. */
export interface CommandExit {
  /** 128 + signal number where a signal ended it. */
  readonly exitCode: number;
  /** "SIGTERM". */
  readonly signal?: string;
}

/** A command that runs in the guest. Read both outputs to their ends: unread bytes hold back the other one too. */
export interface GuestCommand {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Empty where there is a pty. */
  readonly stderr: Readable;
  /** Output may still come after it. Rejects with MachineError "ssh" when the channel closes before the command ended. */
  readonly exit: Promise<CommandExit>;
  /** Sends a signal, also after standard input has ended: "SIGINT" or "INT". Throws MachineError "usage" for one that ssh cannot carry. */
  signal(name: string): void;
  resize(cols: number, rows: number): void;
  /** Hangs up: SIGHUP, then the channel is closed. */
  close(): void;
}

/** What is known of a file of the guest. */
export interface GuestFileInfo {
  readonly kind: "file" | "folder" | "link" | "other";
  /** Permission bits alone. */
  readonly mode: number;
  /** In bytes. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly modified: number;
}

/** The guest's files, over SFTP. A path that is not there is MachineError "not-found"; any other refusal is "ssh". */
export interface GuestFiles {
  /** Follows links. */
  stat(path: string): Promise<GuestFileInfo>;
  lstat(path: string): Promise<GuestFileInfo>;
  /** Without "." and "..". */
  readdir(path: string): Promise<readonly ({ readonly name: string } & GuestFileInfo)[]>;
  mkdir(path: string, mode?: number): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  /** Both in seconds since 1970. */
  utimes(path: string, accessed: number, modified: number): Promise<void>;
  realpath(path: string): Promise<string>;
  readlink(path: string): Promise<string>;
  symlink(target: string, path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Copies one file out of the guest. `step` hears how many bytes are there of how many. */
  get(guestPath: string, hostPath: string, step?: (done: number, total: number) => void): Promise<void>;
  /** Copies one file into the guest. Default mode: 0o644. */
  put(hostPath: string, guestPath: string, options?: { readonly mode?: number; step?(done: number, total: number): void }): Promise<void>;
  end(): void;
}

/**
 * One ssh connection. Any number of channels may be open over it at once, though sshd's MaxSessions (10 by default)
 * bounds the commands, shells and subsystems among them. Every method rejects with MachineError "ssh" when it is closed.
 */
export interface GuestConnection {
  /** The user that it is logged in as. */
  readonly user: string;
  /** Runs a command line in the user's login shell. The signal hangs it up. */
  exec(command: string, options?: { readonly pty?: Pty; readonly signal?: AbortSignal }): Promise<GuestCommand>;
  /** The login shell; without a pty it reads its commands from standard input. */
  shell(pty: Pty | undefined, options?: { readonly signal?: AbortSignal }): Promise<GuestCommand>;
  /** The bytes of a subsystem: "sftp". */
  subsystem(name: string): Promise<GuestCommand>;
  sftp(): Promise<GuestFiles>;
  /** Connects to a unix socket of the guest. Each direction ends by itself, as with a socket. */
  openSocket(guestPath: string): Promise<Duplex>;
  /** Connects to a TCP port as seen from the guest. */
  openPort(host: string, port: number): Promise<Duplex>;
  /** Settles when the connection is gone: with the error that ended it, or with nothing after `end` or an orderly goodbye. */
  readonly closed: Promise<Error | undefined>;
  /** Says goodbye; open channels are cut off. A guest that does not answer within a second is left. */
  end(): Promise<void>;
}

import { MachineError } from "../errors.ts";
import type { GuestFileInfo, GuestFiles } from "./connection.ts";

/** What is used of ssh2's SFTP client. */
export interface RawSftp {
  stat(path: string, done: Done<RawStats>): void;
  lstat(path: string, done: Done<RawStats>): void;
  readdir(path: string, done: Done<readonly { filename: string; attrs: RawAttributes }[]>): void;
  mkdir(path: string, attributes: { mode: number }, done: Done): void;
  chmod(path: string, mode: number, done: Done): void;
  utimes(path: string, accessed: number, modified: number, done: Done): void;
  realpath(path: string, done: Done<string>): void;
  readlink(path: string, done: Done<string>): void;
  symlink(target: string, path: string, done: Done): void;
  unlink(path: string, done: Done): void;
  fastGet(guestPath: string, hostPath: string, options: { step?: Step }, done: Done): void;
  fastPut(hostPath: string, guestPath: string, options: { step?: Step; mode?: number }, done: Done): void;
  end(): void;
}
type Done<T = void> = (error: Error | null | undefined, value: T) => void;
type Step = (done: number, chunk: number, total: number) => void;
interface RawAttributes {
  mode: number;
  size: number;
  mtime: number;
}
type RawStats = RawAttributes;

/** Codes of an SFTP status (draft-ietf-secsh-filexfer-02, 7): 2 is "no such file". */
const noSuchFile = 2;

/** ssh2's SFTP client with promises. `closed` settles when the connection is gone: ssh2 does not call back every request then. */
export function guestFiles(sftp: RawSftp, closed: Promise<unknown>): GuestFiles {
  const ask = <T>(path: string, request: (done: Done<T>) => void): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      void closed.then(() => reject(new MachineError("ssh", `the ssh connection was lost at the guest's ${path}`)));
      request((error, value) => (error ? reject(refusal(path, error)) : resolve(value)));
    });
  return {
    stat: async (path) => fileInfo(await ask<RawStats>(path, (done) => sftp.stat(path, done))),
    lstat: async (path) => fileInfo(await ask<RawStats>(path, (done) => sftp.lstat(path, done))),
    readdir: async (path) => {
      const entries = await ask<readonly { filename: string; attrs: RawAttributes }[]>(path, (done) => sftp.readdir(path, done));
      return entries.filter(({ filename }) => filename !== "." && filename !== "..").map(({ filename, attrs }) => ({ name: filename, ...fileInfo(attrs) }));
    },
    mkdir: (path, mode = 0o755) => ask(path, (done) => sftp.mkdir(path, { mode }, done)),
    chmod: (path, mode) => ask(path, (done) => sftp.chmod(path, mode, done)),
    utimes: (path, accessed, modified) => ask(path, (done) => sftp.utimes(path, accessed, modified, done)),
    realpath: (path) => ask(path, (done) => sftp.realpath(path, done)),
    readlink: (path) => ask(path, (done) => sftp.readlink(path, done)),
    symlink: (target, path) => ask(path, (done) => sftp.symlink(target, path, done)),
    remove: (path) => ask(path, (done) => sftp.unlink(path, done)),
    get: (guestPath, hostPath, step) => ask(guestPath, (done) => sftp.fastGet(guestPath, hostPath, stepOption(step), done)),
    put: (hostPath, guestPath, { mode = 0o644, step } = {}) => ask(guestPath, (done) => sftp.fastPut(hostPath, guestPath, { mode, ...stepOption(step) }, done)),
    end: () => sftp.end(),
  };
}

function stepOption(step: ((done: number, total: number) => void) | undefined): { step?: Step } {
  return step ? { step: (done, _chunk, total) => step(done, total) } : {};
}

function refusal(path: string, error: Error & { code?: unknown }): MachineError {
  if (error.code === noSuchFile) return new MachineError("not-found", `the guest has no ${path}`, { cause: error });
  return new MachineError("ssh", `the guest's ${path}: ${error.message}`, { cause: error, hint: "A file of root's is reached as the user root." });
}

function fileInfo({ mode, size, mtime }: RawAttributes): GuestFileInfo {
  // The S_IFMT bits of inode(7).
  const kinds: Readonly<Record<number, GuestFileInfo["kind"]>> = { 0o100000: "file", 0o040000: "folder", 0o120000: "link" };
  return { kind: kinds[mode & 0o170000] ?? "other", mode: mode & 0o7777, size, modified: mtime };
}

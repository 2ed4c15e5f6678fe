import { existsSync, readFileSync, watch } from "node:fs";
import { dirname } from "node:path";
import { MachineError } from "../errors.ts";

export interface ListeningOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Who should listen, for the error. */
  readonly who: string;
  /** Rejects when that process ends. */
  readonly death: Promise<never>;
}

/**
 * Waits until every socket listens, without connecting to any: gvproxy takes the first connection for the VM's.
 * The folder is watched; since a socket file is there a moment before it listens, it is looked at again every 10 ms.
 */
export async function waitListening(paths: readonly string[], options: ListeningOptions): Promise<void> {
  const missing = (): string[] => paths.filter((path) => !isListening(path));
  if (missing().length === 0) return;
  const { timeoutMs, signal, who, death } = options;
  let stop = (): void => {};
  const arrived = new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (missing().length === 0) resolve();
    };
    const watchers = [...new Set(paths.map((path) => dirname(path)))].map((folder) => watch(folder, look));
    const again = setInterval(look, 10);
    const limit = setTimeout(() => {
      reject(new MachineError("deadline", `${who} did not listen on ${missing().join(", ")} within ${timeoutMs / 1000} s`, { stage: "helpers" }));
    }, timeoutMs);
    const aborted = (): void => reject(new MachineError("interrupted", `waiting for ${who} was interrupted`));
    signal.addEventListener("abort", aborted, { once: true });
    stop = () => {
      for (const watcher of watchers) watcher.close();
      clearInterval(again);
      clearTimeout(limit);
      signal.removeEventListener("abort", aborted);
    };
    look();
  });
  try {
    await Promise.race([arrived, death]);
  } finally {
    stop();
  }
}

/** Whether a unix socket listens. Linux tells in /proc/net/unix; elsewhere its file must do. */
export function isListening(path: string): boolean {
  if (!existsSync(path)) return false;
  return process.platform !== "linux" || isListeningIn(readFileSync("/proc/net/unix", "utf8"), path);
}

/**
 * The same from the text of /proc/net/unix: flag 0x10000 for one that listens (__SO_ACCEPTCON of include/net/sock.h), state 1 for one that is not
 * connected. A path may stand there twice: for a socket whose file was removed, and that some process has open still, and for the one that
 * has taken its place, which is bound a moment before it listens.
 */
export function isListeningIn(table: string, path: string): boolean {
  const rows = table.split("\n").filter((line) => line.endsWith(` ${path}`)).map((line) => line.split(/\s+/));
  const listens = (row: readonly string[]): boolean => (Number.parseInt(row[3] ?? "0", 16) & 0x10000) !== 0;
  return rows.some(listens) && rows.every((row) => listens(row) || row[5] !== "01");
}

import type { ConsolePlan } from "../roles/launcher.ts";
import type { BoundedLog } from "./bounded-log.ts";
import { followFile } from "./follow.ts";
import { dial } from "./qmp.ts";

/** How much of the console is kept in memory for messages. */
const tailBytes = 64 * 1024;
/** So much text can be no firmware or boot loader. */
const surelyAlive = 8 * 1024;

/** Lines by which a guest says that its first boot failed or that it is lost, and how we name it. */
const failures: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /Ignition failed|ignition-[a-z-]+\.service: Failed with result|Failed to start (?:\S+ - )?Ignition/i, what: "Ignition failed in the guest" },
  // The seed is always attached; without one cloud-init goes on, and makes nobody and nothing.
  { pattern: /\[WARNING\]: Used fallback datasource/, what: "cloud-init did not find its seed in the guest" },
  { pattern: /Kernel panic - not syncing/, what: "the guest's kernel panicked" },
  { pattern: /(?:You are in|Entering|Welcome to) emergency (?:mode|shell)|emergency\.target|dracut-emergency/i, what: "the guest fell into its emergency shell" },
];

const panicWords = "Kernel panic - not syncing";

export interface ConsoleFailure {
  readonly what: string;
  /** Lines of the console that explain it. */
  readonly lines: readonly string[];
}

/** Reads the guest's console: keeps a bounded log and its end, and tells of the first sign of life and of a failure. */
export class GuestConsole {
  readonly #log: BoundedLog;
  #tail = "";
  #seen = 0;
  #alive = false;
  readonly alive: Promise<void>;
  readonly failed: Promise<ConsoleFailure>;
  #markAlive: () => void = () => {};
  #markFailed: (failure: ConsoleFailure) => void = () => {};
  #failureTimer: NodeJS.Timeout | undefined;
  readonly #panicListeners = new Set<() => void>();
  #close: () => void = () => {};

  constructor(log: BoundedLog) {
    this.#log = log;
    this.alive = new Promise((resolve) => (this.#markAlive = resolve));
    this.failed = new Promise((resolve) => (this.#markFailed = resolve));
  }

  /** Connects to the VM's console socket, or follows its console file. What the guest printed before is read only where it is not up yet. */
  async open({ kind, path }: ConsolePlan, isUp = false): Promise<void> {
    if (kind === "file") {
      this.#close = followFile(path, (bytes) => this.take(bytes), isUp);
      return;
    }
    const socket = await dial(path);
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => this.take(bytes));
    socket.unref();
    this.#close = () => socket.destroy();
  }

  /** Takes what a console file still holds, and closes the log. To be called when the VM has ended. */
  close(): void {
    this.#close();
    this.#log.close();
  }

  /** Takes what the guest printed. */
  take(bytes: Buffer): void {
    this.#log.write(bytes);
    this.#seen += bytes.length;
    const text = bytes.toString("latin1");
    // The words may come in pieces.
    if (isNew(panicWords, this.#tail, text)) for (const listener of this.#panicListeners) listener();
    this.#tail = (this.#tail + text).slice(-tailBytes);
    if (!this.#alive && (this.#seen > surelyAlive || isKernelText(this.#tail))) {
      this.#alive = true;
      this.#markAlive();
    }
    if (this.#failureTimer) return;
    const failure = failures.find(({ pattern }) => pattern.test(this.#tail));
    // The reason is printed around the line that gives it away; 300 ms let the rest of it arrive.
    if (failure) this.#failureTimer = setTimeout(() => this.#markFailed({ what: failure.what, lines: this.#explain() }), 300);
  }

  /** Calls back when a kernel panic is printed, until the returned function is called. Whoever is root in the guest can print one. */
  onPanic(listener: () => void): () => void {
    this.#panicListeners.add(listener);
    return () => this.#panicListeners.delete(listener);
  }

  /** What the last kernel panic on the console was about; undefined where none was printed. */
  get lastPanic(): string | undefined {
    const at = this.#tail.lastIndexOf(panicWords);
    if (at < 0) return undefined;
    const [line = ""] = readable(this.#tail.slice(at + panicWords.length));
    // The last of its lines says "---[ end Kernel panic - not syncing: WHY ]---".
    return line.replace(/^: ?/, "").replace(/ ?\]---$/, "").trim();
  }

  /** The last lines, readable: no control characters. */
  lastLines(count: number): string[] {
    return readable(this.#tail).slice(-count);
  }

  #explain(): string[] {
    const lines = readable(this.#tail);
    const telling = lines.filter((line) => /ignition\[\d+\].*(?:CRITICAL|crit|ERROR|failed|error)|Ignition has failed|panic/i.test(line));
    return (telling.length > 0 ? telling : lines).slice(-12);
  }
}

/** Whether words are complete with what has come just now, in one piece or not. */
function isNew(words: string, before: string, text: string): boolean {
  return (before.slice(-(words.length - 1)) + text).includes(words);
}

/** A line that only a kernel or what it starts prints. Firmware and boot loaders also write to a serial console. */
function isKernelText(text: string): boolean {
  return /Linux version \d|\[ {0,4}\d+\.\d{6}\]|systemd\[1\]|Welcome to .*!|login: /.test(text);
}

/** Splits into lines without escape sequences and other control characters. */
export function readable(text: string): string[] {
  return text
    // eslint-disable-next-line no-control-regex
    .replaceAll(/\u001b\[[0-9;?]*[a-zA-Z]|\u001b[()][A-Z0-9]|\u001bc/g, "")
    .split(/[\r\n]+/)
    .map((line) => line.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ""))
    .filter((line) => line.trim() !== "");
}

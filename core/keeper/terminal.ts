import type { CommandControl } from "./exec.ts";

/** What is used of process.stdin and process.stdout where both are terminals. */
export interface Terminal {
  readonly stdin: { readonly isRaw?: boolean; setRawMode(raw: boolean): unknown };
  readonly stdout: { readonly columns: number; readonly rows: number; on(event: "resize", listener: () => void): unknown; off(event: "resize", listener: () => void): unknown };
}

/** What is used of the process: its end, and its signals. */
export interface SignalSource {
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/** The pty to ask for, as large as the terminal. `term` is the variable TERM. Default: xterm-256color. */
export function ptyOf({ columns, rows }: { readonly columns: number; readonly rows: number }, term: string | undefined): { term: string; cols: number; rows: number } {
  return { term: term || "xterm-256color", cols: columns, rows };
}

/**
 * For `attach` of `execOverKeeper`, with a pty: puts the terminal in raw mode, so that each key goes to the guest, Ctrl-C
 * too, and passes its size on. The terminal is put back when the command has ended in whatever way, and at the latest when
 * the process exits.
 */
export function attachTerminal({ stdin, stdout }: Terminal, source: SignalSource): (control: CommandControl) => () => void {
  return (control) => {
    const before = stdin.isRaw === true;
    const restore = (): void => void stdin.setRawMode(before);
    const resized = (): void => control.resize(stdout.columns, stdout.rows);
    source.on("exit", restore);
    stdin.setRawMode(true);
    stdout.on("resize", resized);
    // It may have changed while the channel was being opened.
    resized();
    return () => {
      restore();
      source.off("exit", restore);
      stdout.off("resize", resized);
    };
  };
}

/** For `attach` of `execOverKeeper`, without a pty: hands the signals that this process gets to the guest's command. */
export function forwardSignals(source: SignalSource): (control: CommandControl) => () => void {
  return (control) => {
    const listeners = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"].map((name) => [name, (): void => control.signal(name)] as const);
    for (const [name, listener] of listeners) source.on(name, listener);
    return () => {
      for (const [name, listener] of listeners) source.off(name, listener);
    };
  };
}

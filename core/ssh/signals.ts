/** Linux's numbers (signal(7)): the guest's, whatever the host's are. */
const numbers: Readonly<Record<string, number>> = {
  HUP: 1, INT: 2, QUIT: 3, ILL: 4, TRAP: 5, ABRT: 6, BUS: 7, FPE: 8, KILL: 9, USR1: 10, SEGV: 11, USR2: 12, PIPE: 13, ALRM: 14, TERM: 15,
  STKFLT: 16, CHLD: 17, CONT: 18, STOP: 19, TSTP: 20, TTIN: 21, TTOU: 22, URG: 23, XCPU: 24, XFSZ: 25, VTALRM: 26, PROF: 27, WINCH: 28,
  IO: 29, PWR: 30, SYS: 31,
};

/** Those that ssh can send (RFC 4254, 6.10). */
export const sshSignals: readonly string[] = ["ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"];

/** "SIGTERM" and "TERM" are both "TERM". */
export function bareSignal(name: string): string {
  return name.toUpperCase().replace(/^SIG/, "");
}

/** The exit status by which shells tell of a death by signal: 128 + its number; 255 for one without a number. */
export function signalStatus(name: string): number {
  const number = numbers[bareSignal(name)];
  return number === undefined ? 255 : 128 + number;
}

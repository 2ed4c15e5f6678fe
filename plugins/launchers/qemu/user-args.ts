import { MachineError, type Command } from "glowplug";

/** One flag of QEMU's command line with its value. */
export interface UserArgument {
  readonly flag: string;
  readonly value?: string;
}

/** Flags that stand alone (qemu-options.hx of QEMU 7.2 to 10.0). */
const withoutValue = new Set([
  "S", "snapshot", "nodefaults", "no-user-config", "no-reboot", "no-shutdown", "no-fd-bootchk", "no-acpi", "no-hpet", "nographic", "full-screen",
  "enable-kvm", "only-migratable", "usb", "win2k-hack", "singlestep", "mem-prealloc", "show-cursor", "enable-sync-profile", "xen-attach", "semihosting",
]);

/** Flags that QEMU takes once, or whose last one wins: the user's replaces ours. Every other flag is added beside ours. */
const single = new Set([
  "m", "smp", "cpu", "machine", "accel", "display", "vga", "name", "uuid", "bios", "kernel", "initrd", "append", "dtb", "shim", "boot", "rtc", "k",
  "sandbox", "pidfile", "overcommit", "icount", "msg", "D", "d", "watchdog-action", "mem-path", "seed", "action", "semihosting-config", "run-with",
]);

/** Flags with two names. */
const aliases: Readonly<Record<string, string>> = { M: "machine" };

/** Flags that would take the VM away from the keeper, which is its parent and holds its monitor. */
const refused: Readonly<Record<string, string>> = {
  daemonize: "the keeper must stay the parent of the VM", help: "it prints and ends", h: "it prints and ends", "?": "it prints and ends", version: "it prints and ends",
};

/**
 * Reads the user's flags: words as on a command line, or [flag, value] pairs, also mixed. A word that begins with a dash is a flag;
 * a value that does so needs the pair. Throws MachineError "bad-spec".
 */
export function parseUserArgs(args: readonly (string | readonly [flag: string, value?: string])[]): UserArgument[] {
  const parsed: UserArgument[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const item = args[at] ?? "";
    if (typeof item !== "string") {
      parsed.push(argument(item[0], item[1]));
      continue;
    }
    const next = args[at + 1];
    if (withoutValue.has(nameOf(item)) || typeof next !== "string" || next.startsWith("-")) {
      parsed.push(argument(item, undefined));
    } else {
      parsed.push(argument(item, next));
      at += 1;
    }
  }
  return parsed;
}

/** Puts the user's flags into a command: replaces what can be there once, adds the rest at the end. */
export function applyUserArgs(command: Command, args: readonly UserArgument[]): Command {
  const replaced = new Set<string>();
  for (const { flag, value } of args) {
    const once = single.has(nameOf(flag)) || withoutValue.has(nameOf(flag));
    // Of several -accel the first that works is taken, so all of the user's stay.
    if (!once || (replaced.has(flag) && flag === "-accel")) command.add(flag, value);
    else command.set(flag, value);
    replaced.add(flag);
  }
  return command;
}

/** The last value that the user gave a flag. */
export function userValue(args: readonly UserArgument[], flag: string): string | undefined {
  return args.findLast((one) => one.flag === flag)?.value;
}

function argument(word: string, value: string | undefined): UserArgument {
  const name = nameOf(word);
  if (!/^-{1,2}[A-Za-z0-9]/.test(word)) {
    throw bad(`${JSON.stringify(word)} in its args is no flag`, word.includes(" ") ? 'Write flag and value as two words: "-m", "4G".' : "A flag begins with a dash, and its value follows as one word.");
  }
  if (word.includes(" ")) throw bad(`the flag ${JSON.stringify(word)} in its args has a blank`, 'Write flag and value as two words: "-m", "4G".');
  const reason = refused[name];
  if (reason !== undefined) throw bad(`the flag -${name} in its args cannot be used: ${reason}`, "Leave it out.");
  if (withoutValue.has(name)) {
    if (value !== undefined) throw bad(`the flag -${name} in its args takes no value, and was given ${JSON.stringify(value)}`, "Leave the value out.");
    return { flag: `-${name}` };
  }
  if (value === undefined) throw bad(`the flag -${name} in its args has no value`, `A value that begins with a dash is written as a pair: ["-${name}", "-value"].`);
  return { flag: `-${name}`, value };
}

/** QEMU takes one dash or two. */
function nameOf(word: string): string {
  const name = word.replace(/^--?/, "");
  return aliases[name] ?? name;
}

function bad(message: string, hint: string): MachineError {
  return new MachineError("bad-spec", `qemu: ${message}`, { plugin: "qemu", hint });
}

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { AfterStartEvent, GuestShell, HostFacts, MachineInfo } from "glowplug";
import { hostOf } from "../fixtures/hosts.ts";

export interface GuestRoot {
  readonly folder: string;
  /** What a plugin's afterStart is handed. */
  readonly event: (host?: HostFacts) => AfterStartEvent;
  /** Lines that the plugin logged. */
  readonly told: string[];
  /** Commands that were run in the guest, as they were handed over. */
  readonly commands: string[];
  /** Calls of the guest's programs that `program` put there: "systemctl daemon-reload". */
  called(): string[];
  /** Puts a program into the guest that notes its calls and then does this. */
  program(name: string, does?: string): void;
  read(path: string): string | undefined;
  write(path: string, text: string): void;
}

/**
 * A guest that is a folder: a real shell runs the commands in it, with every path of /etc, /usr and /var led into the folder, and
 * everybody may do everything. Gone with the test.
 */
export function guestRoot(): GuestRoot {
  const folder = mkdtempSync(join(tmpdir(), "gp-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [bin, calls, told, commands]: [string, string, string[], string[]] = [join(folder, "bin"), join(folder, "calls"), [], []];
  mkdirSync(bin);
  writeFileSync(join(bin, "sudo"), '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n', { mode: 0o755 });
  const inside = (text: string): string => text.replaceAll(/(?<![\w./-])\/(?=(?:etc|usr|var)\/)/g, `${folder}/`);
  const machine: MachineInfo = {
    name: "web", user: "root", uid: 1000, rootful: false, ssh: { host: "127.0.0.1", port: 40022, keyFile: "/data/id", hostKey: "" }, folders: { data: "/data", runtime: "/run" },
  };
  const ssh: GuestShell = {
    exec: (command, { input = "" } = {}) => new Promise((done, reject) => {
      const words = typeof command === "string" ? ["/bin/sh", "-c", command] : [...command];
      commands.push(words.join(" "));
      const [file = "", ...argv] = words;
      const child = spawn(file, argv.map(inside), { env: { PATH: `${bin}:${process.env["PATH"]}`, LC_ALL: "C" }, stdio: "pipe" });
      const texts = { stdout: "", stderr: "" };
      for (const name of ["stdout", "stderr"] as const) child[name].on("data", (bytes: Buffer) => (texts[name] += bytes.toString()));
      child.once("error", reject).once("close", (code) => done({ exitCode: code ?? 128, ...texts }));
      child.stdin.on("error", () => {});
      child.stdin.end(input);
    }),
  };
  return {
    folder, told, commands,
    event: (host = hostOf("linux/amd64")) => ({ machine, host, ssh, ports: [], signal: new AbortController().signal, log: (line) => void told.push(line) }),
    called: () => (existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n").map((line) => line.trimEnd()) : []),
    program(name, does = "") {
      writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${calls}\n${inside(does)}\n`, { mode: 0o755 });
    },
    read: (path) => (existsSync(join(folder, path)) ? readFileSync(join(folder, path), "utf8") : undefined),
    write(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
  };
}

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { installFakes, type FakeBehaviour, type Fakes, type FakesOptions } from "../fixtures/fakes.ts";

const root = resolve(import.meta.dirname, "../..");
export const program = join(root, "dist/glowplug.js");

/** A program that set-up unpacked into the user's own data folder. */
export function unpackedTool(name: string): string {
  return join(process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share"), "glowplug/tools", name, "usr/bin", name);
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
export interface RunProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string;
  /** As another user, whose group has the same number. */
  readonly uid?: number;
  /** One that hangs is killed then, and has no exit status. Default: none. */
  readonly limitMs?: number;
}

/** Runs a program to its end. Standard input is closed. */
export function run(file: string, argv: readonly string[], options: RunProgramOptions = {}): Promise<Ended> {
  return new Promise((done, reject) => {
    const { uid, cwd, limitMs } = options;
    const child = spawn(file, [...argv], {
      env: options.env ?? process.env, cwd, ...(uid !== undefined && { uid, gid: uid }), stdio: ["pipe", "pipe", "pipe"],
      ...(limitMs !== undefined && { timeout: limitMs, killSignal: "SIGKILL" as const }),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
    child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
    child.on("error", reject);
    child.on("close", (code) => done({ code, stdout, stderr }));
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}

/** Folders of its own for one test file. In the real world the image store is shared, so that the guest is built once. */
export class World {
  readonly folder = mkdtempSync(join(tmpdir(), "gp-"));
  readonly env: NodeJS.ProcessEnv;
  /** The programs that play QEMU, gvproxy and qemu-img; undefined in the real world. */
  readonly fakes: Fakes | undefined;

  constructor(fakes?: FakeBehaviour, options?: FakesOptions) {
    for (const name of ["data", "config", "cache", "run", "work"]) mkdirSync(join(this.folder, name), { mode: 0o700 });
    this.fakes = fakes && installFakes(join(this.folder, "bin"), fakes, options);
    const dataHome = process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share");
    this.env = {
      ...process.env, NO_COLOR: "1", ...(this.fakes && { CONTAINERS_HELPER_BINARY_DIR: this.fakes.folder, PATH: `${this.fakes.folder}:/usr/bin:/bin` }),
      XDG_DATA_HOME: join(this.folder, "data"), XDG_CONFIG_HOME: join(this.folder, "config"), XDG_CACHE_HOME: join(this.folder, "cache"),
      XDG_RUNTIME_DIR: join(this.folder, "run"), PODMAN_CONNECTIONS_CONF: join(this.folder, "config/connections.json"), CONTAINERS_CONF: join(this.folder, "config/containers.conf"),
      DOCKER_CONFIG: join(this.folder, "config/docker"),
      GLOWPLUG_STORE: this.fakes ? join(this.folder, "images") : process.env["GLOWPLUG_STORE"] ?? join(dataHome, "glowplug/images"),
    };
    // podman 4 keeps its connections in containers.conf; as root it would take the system's own.
    writeFileSync(join(this.folder, "config/containers.conf"), "");
    // podman looks into docker's config as well, and wants the file where the folder is named.
    mkdirSync(join(this.folder, "config/docker"), { mode: 0o700 });
    writeFileSync(join(this.folder, "config/docker/config.json"), "{}");
    // Programs that set-up unpacked lie in the user's own data folder.
    const tools = join(dataHome, "glowplug/tools");
    if (!this.fakes && existsSync(tools)) {
      mkdirSync(join(this.folder, "data/glowplug"), { mode: 0o700 });
      symlinkSync(tools, join(this.folder, "data/glowplug/tools"));
    }
  }

  get runtime(): string {
    return join(this.folder, "run/glowplug");
  }

  /** Writes a file into the folder that commands run in. */
  write(name: string, text: string): string {
    const path = join(this.folder, "work", name);
    writeFileSync(path, text);
    return path;
  }

  /** Runs the built command line. */
  glowplug(...argv: string[]): Promise<Ended> {
    return run(process.execPath, [program, ...argv], { env: this.env, cwd: join(this.folder, "work") });
  }

  /** The same with something on its standard input. */
  answer(input: string, ...argv: string[]): Promise<Ended> {
    return run(process.execPath, [program, ...argv], { env: this.env, cwd: join(this.folder, "work"), input });
  }

  /** The same, and it must end well. */
  async ok(...argv: string[]): Promise<string> {
    const ended = await this.glowplug(...argv);
    expect(ended.code, `glowplug ${argv.join(" ")}\n${ended.stdout}${ended.stderr}`).toBe(0);
    return ended.stdout;
  }

  async close(): Promise<void> {
    const names = (await this.glowplug("list", "--quiet")).stdout.split("\n").map((line) => line.replace("*", "").trim()).filter(Boolean);
    for (const name of names) await this.glowplug("rm", "--force", name);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Every process whose command line or environment names a folder: a keeper gives itself a title, which takes its command line's place. */
export function processesOf(folder: string): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).flatMap((pid) => {
    try {
      const [line = "", environment = ""] = ["cmdline", "environ"].map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8").replaceAll("\0", " ").trim());
      return line !== "" && (line.includes(folder) || environment.includes(folder)) ? [`${pid} ${line}`] : [];
    } catch {
      return [];
    }
  });
}

/** Every file and socket below a folder. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

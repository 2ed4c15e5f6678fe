import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { identityOf } from "../../../core/process-identity.ts";
import { freePort } from "../free-port.ts";
import { processesOf, program, run, type Ended } from "../world.ts";
import { GuestWorld } from "./guest-world.ts";
import { Ordered, type Order } from "./order.ts";
import type { CrashVerb } from "./verbs.ts";

/** How a machine is found by a verb; orphaned: it runs, and its keeper was killed. */
export type Condition = "none" | "made" | "running" | "orphaned";

/** Folders that are put back as they were. */
const keptFolders = ["data", "images", "config"];

/** A verb that takes longer hangs. */
const limitMs = 120_000;

/** What the guest wrote and made last: it must be on the disk for good. */
const guestData = "what the guest has synced\n";

/** A world with one machine, "box", on programs that play QEMU and gvproxy; its files can be put back as they were. */
export class CrashWorld extends GuestWorld {
  readonly name = "box";
  /** A record that found no room for its copy goes without until the next verb that changes the machine. */
  readonly mayLackCopy: boolean = false;
  #port = 0;
  #otherPort = 0;
  readonly #kept = join(this.folder, "kept");

  /** Makes the machine once; a port of it is published. */
  async prepare(): Promise<void> {
    this.#port = await freePort();
    this.#otherPort = await freePort();
    for (const [file, podman] of [["box.yaml", false], ["known.yaml", true]] as const) {
      this.write(file, `name: box\nimage: ./base.raw\ndisk: 1GiB\ncpus: 1\nmemory: 256MiB\nforwarder: gvproxy\npodman: ${podman}\nports: ["127.0.0.1:${this.#port}:80"]\n`);
    }
    await this.ok("init", "--config", "box.yaml");
    appendFileSync(this.disk, guestData);
    for (const name of keptFolders) cpSync(join(this.folder, name), join(this.#kept, name), { recursive: true, preserveTimestamps: true });
  }

  get disk(): string {
    return join(this.folder, "data/glowplug/machines/box/disk.qcow2");
  }
  get port(): number {
    return this.#port;
  }
  /** The port that ssh has, by the record; undefined where there is none. */
  get sshPort(): number | undefined {
    const path = join(this.folder, "data/glowplug/machines/box/machine.json");
    return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { ssh: { port: number } }).ssh.port : undefined;
  }
  /** Whether the disk still ends in what the guest has synced. */
  get hasGuestData(): boolean {
    return existsSync(this.disk) && readFileSync(this.disk).includes(guestData);
  }

  /** Brings the machine into a condition, whatever an experiment that went wrong has left. */
  async put(condition: Condition, ordered?: Ordered): Promise<void> {
    for (const line of processesOf(this.folder)) process.kill(Number.parseInt(line), "SIGKILL");
    // The folders themselves may be mounts.
    for (const name of [...keptFolders, "run", "cache", "guest"]) {
      mkdirSync(join(this.folder, name), { recursive: true, mode: 0o700 });
      for (const entry of readdirSync(join(this.folder, name))) rmSync(join(this.folder, name, entry), { recursive: true, force: true });
    }
    for (const name of keptFolders) cpSync(join(this.#kept, name), join(this.folder, name), { recursive: true, preserveTimestamps: true });
    if (condition === "none") rmSync(join(this.folder, "data/glowplug/machines"), { recursive: true });
    if (condition !== "running" && condition !== "orphaned") return;
    const started = await this.#run(["start", "box"], ordered?.env("before") ?? this.env);
    if (started.code !== 0) throw new Error(`the machine that is to be found running did not start: ${started.stderr}`);
    if (condition === "orphaned") await this.#killKeeper();
  }

  async #killKeeper(): Promise<void> {
    const { pid } = JSON.parse(readFileSync(join(this.runtime, "box/keeper.json"), "utf8")) as { pid: number };
    process.kill(pid, "SIGKILL");
    while (identityOf(pid)) await pause(10);
  }

  /** A verb that hangs is ended, and has no exit status. */
  override glowplug(...argv: string[]): Promise<Ended> {
    return this.#run(argv, this.env);
  }

  /** Runs a verb under an order, the machine being in its condition. Where it is to lose its terminal it has one. */
  async under(order: Order, { from, first, argv }: Pick<CrashVerb, "from" | "first" | "argv">): Promise<{ readonly ended: Ended; readonly ordered: Ordered }> {
    const ordered = new Ordered(order, this);
    await this.put(from, ordered);
    if (first) await this.ok(...first);
    return { ended: await (order.victim === "terminal" ? this.#runInTerminal(argv, ordered) : this.#run(argv, ordered.env("now"))), ordered };
  }

  #run(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
    return run(process.execPath, [program, ...this.#words(argv)], { env, cwd: join(this.folder, "work"), limitMs });
  }

  /** The terminal goes before the verb has ended, so nobody learns of its exit status. */
  async #runInTerminal(argv: readonly string[], ordered: Ordered): Promise<Ended> {
    const command = ["exec", process.execPath, program, ...this.#words(argv)].join(" ");
    const { stdout, stderr } = await run("script", ["-qec", command, "/dev/null"], { env: { ...ordered.env("now"), SHELL: "/bin/sh" }, cwd: join(this.folder, "work"), limitMs });
    const limit = performance.now() + limitMs;
    while (identityOf(ordered.cli) && performance.now() < limit) await pause(20);
    return { code: identityOf(ordered.cli) ? null : 0, stdout, stderr };
  }

  #words(argv: readonly string[]): readonly string[] {
    return argv.map((word) => word.replace("PORT", String(this.#otherPort)));
  }
}

import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { codeOf } from "../../atomic.ts";
import { isObject } from "../../json.ts";
import { readLine } from "../frames.ts";
import { destinationOf, isGroup, sourceOf, type LanFrame } from "./frames.ts";
import type { LanPlan } from "./plan.ts";
import { openLanPort, type LanPort } from "./port.ts";

/** Pause before a lost connection to another machine is made again. */
const pauseMs = 500;

/**
 * A machine's switch on the network that the machines of one config share. Every switch is connected with every other over a private
 * socket, so a frame goes at most two hops: from the card to the others, and from each of those to its own card alone. Nothing of
 * it can be reached over the host's network, or by another of the host's users.
 */
export class LanSwitch {
  readonly #plan: LanPlan;
  readonly #servers: Server[] = [];
  readonly #peers = new Map<string, LanPort>();
  /** Which machine a hardware address was last seen behind. */
  readonly #learned = new Map<string, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #card: LanPort | undefined;
  #closed = false;

  constructor(plan: LanPlan) {
    this.#plan = plan;
  }

  /** Listens for the card and the other machines, and calls those that run. */
  async open(): Promise<void> {
    await this.#listen(this.#plan.card, (socket) => this.#plugCard(socket));
    await this.#listen(this.#plan.own, (socket) => void this.#answer(socket));
    for (const name of Object.keys(this.#plan.others)) this.#call(name);
  }

  /** Names of the machines that are connected now. */
  get peers(): readonly string[] {
    return [...this.#peers.keys()].sort();
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const server of this.#servers) server.close();
    for (const port of [...this.#peers.values(), ...(this.#card ? [this.#card] : [])]) port.close();
    for (const path of [this.#plan.card, this.#plan.own]) rmSync(path, { force: true });
  }

  async #listen(path: string, take: (socket: Socket) => void): Promise<void> {
    rmSync(path, { force: true });
    const server = createServer(take);
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
    chmodSync(path, 0o600);
  }

  /** The VM's card; one that is plugged anew takes the place of the old. */
  #plugCard(socket: Socket): void {
    this.#card?.close();
    this.#card = openLanPort(socket, (frame) => this.#fromCard(frame));
  }

  #fromCard(frame: LanFrame): void {
    const to = destinationOf(frame);
    const known = isGroup(to) ? undefined : this.#peers.get(this.#learned.get(to) ?? "");
    if (known) known.send(frame);
    else for (const peer of this.#peers.values()) peer.send(frame);
  }

  /** Another machine calls. */
  async #answer(socket: Socket): Promise<void> {
    socket.on("error", () => {});
    try {
      const { line } = await readLine(socket);
      const name = this.#readHello(line);
      socket.write(this.#hello());
      this.#admit(name, socket, name);
    } catch {
      socket.destroy();
    }
  }

  /**
   * Calls another machine, and again when the connection breaks. One without a socket is stopped, and calls when it starts. A socket where nobody
   * answers is that of a keeper that was lost, and another takes its place.
   */
  #call(name: string): void {
    const path = this.#plan.others[name];
    if (path === undefined || this.#closed || this.#peers.has(name)) return;
    const socket = connect(path);
    let isStopped = false;
    socket.on("error", (error) => (isStopped = codeOf(error) === "ENOENT"));
    socket.once("close", () => {
      if (!isStopped) this.#callLater(name);
    });
    socket.once("connect", () => {
      socket.write(this.#hello());
      readLine(socket).then(({ line }) => {
        this.#readHello(line);
        this.#admit(name, socket, this.#plan.name);
      }).catch(() => socket.destroy());
    });
  }

  #callLater(name: string): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#call(name);
    }, pauseMs);
    this.#timers.add(timer);
  }

  /** Two machines that start at once call each other: both keep the connection that the first of the two by name has made. */
  #admit(name: string, socket: Socket, caller: string): void {
    const old = this.#peers.get(name);
    const first = name < this.#plan.name ? name : this.#plan.name;
    if (old && !old.socket.destroyed && caller !== first) return void socket.destroy();
    old?.close();
    const port = openLanPort(socket, (frame) => {
      this.#learned.set(sourceOf(frame), name);
      this.#card?.send(frame);
    });
    this.#peers.set(name, port);
    socket.once("close", () => {
      if (this.#peers.get(name) !== port) return;
      this.#peers.delete(name);
      for (const [address, behind] of this.#learned) if (behind === name) this.#learned.delete(address);
    });
    socket.resume();
  }

  #hello(): string {
    return `${JSON.stringify({ network: this.#plan.network, name: this.#plan.name })}\n`;
  }

  /** Throws for anything but a machine of the same network. */
  #readHello(line: string): string {
    const said: unknown = JSON.parse(line);
    if (isObject(said) && said["network"] === this.#plan.network && typeof said["name"] === "string" && said["name"] !== this.#plan.name) return said["name"];
    throw new Error("not a machine of this network");
  }
}

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { MachineError } from "../errors.ts";
import type { GuestPorts, ResolvedPort } from "../model.ts";

/** What a forwarder says that it leads into the guest (gvproxy, pkg/services/forwarder/ports.go). Written by whoever asked for it. */
export interface Forward {
  /** "127.0.0.1:8080", ":8080" for every address, or the path of a socket. */
  readonly local: string;
  readonly remote: string;
  readonly protocol: string;
}

/** Reads a forwarder's list. What a program in the guest put into it may look like anything. Throws MachineError "helper-exited" for no list. */
export function readForwards(text: string): readonly Forward[] {
  const list = parse(text);
  if (!Array.isArray(list)) throw new MachineError("helper-exited", `the forwarder tells no list of its ports, but ${JSON.stringify(text.slice(0, 120))}`);
  return list.filter((one: unknown): one is Forward => typeof one === "object" && one !== null && ["local", "remote", "protocol"].every((key) => typeof (one as Record<string, unknown>)[key] === "string"));
}

/** The port of the host that it is. Undefined for sockets. */
export function portOf({ local, remote, protocol }: Forward): ResolvedPort | undefined {
  const [, host = "", hostPort] = /^(.*):(\d{1,5})$/.exec(local) ?? [];
  const [, guestPort] = /:(\d{1,5})$/.exec(remote) ?? [];
  if (hostPort === undefined || guestPort === undefined || (protocol !== "tcp" && protocol !== "udp")) return undefined;
  return { host: host.replace(/^\[|\]$/g, "") || "0.0.0.0", hostPort: Number(hostPort), guestPort: Number(guestPort), protocol };
}

/** What programs in the guest may open on the host. */
export interface GuestRule {
  readonly allowed: GuestPorts;
  /** The first port that they may open. */
  readonly lowest: number;
}

/** The rule of a machine. Root's forwarder could open any port: the guest gets no more than an ordinary user of this host has, ip(7). */
export function ruleOf(allowed: GuestPorts, uid = process.getuid?.()): GuestRule {
  return { allowed, lowest: uid === 0 ? lowestPort() : 0 };
}

/** Why the guest may not open a port of the host; undefined where it may. */
export function refusalOf({ host, hostPort }: ResolvedPort, { allowed, lowest }: GuestRule): string | undefined {
  if (allowed === "none") return "the guest may open no port";
  if (allowed === "loopback" && !isLoopback(host)) return "the guest may open ports of the loopback alone";
  if (hostPort < lowest) return `the guest may open no port below ${lowest}`;
  return undefined;
}

function lowestPort(): number {
  try {
    return Number.parseInt(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"), 10);
  } catch {
    return 1024;
  }
}

/** By address alone: what a name means is nothing to rely on. */
function isLoopback(host: string): boolean {
  return isIP(host) === 4 ? host.startsWith("127.") : host === "::1";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { isIP } from "node:net";
import type { PortForward, ResolvedPort } from "../model.ts";

/** Where a port without an address is bound. */
const loopback = "127.0.0.1";
const form = /^(?:(?<host>\[[^\]]+\]|[^:[\]]*):)?(?<hostPorts>\d+(?:-\d+)?):(?<guestPorts>\d+(?:-\d+)?)(?:\/(?<protocol>tcp|udp))?$/;
const wanted = 'expected "[ADDRESS:]HOSTPORT:GUESTPORT[/udp]" such as "8080:80"';

/** Either ports, or what is wrong with the text. */
export type ParsedPorts = { readonly ports: readonly ResolvedPort[] } | { readonly problem: string };

/** Reads docker's and podman's way to write ports: "8080:80", "127.0.0.1:8080:80/udp", "[::1]:8080:80", "8000-8010:9000-9010". */
export function parsePorts(text: string): ParsedPorts {
  const parts = form.exec(text.trim())?.groups;
  if (!parts) return { problem: `${wanted}, found ${JSON.stringify(text)}` };
  const host = (parts["host"] ?? "").replace(/^\[|\]$/g, "");
  if (host !== "" && !isAddress(host)) return { problem: `expected an address to bind, found ${JSON.stringify(host)} in ${JSON.stringify(text)}` };
  const hostPorts = range(parts["hostPorts"] ?? "");
  const guestPorts = range(parts["guestPorts"] ?? "");
  if (!hostPorts || !guestPorts) return { problem: `expected ports from 1 to 65535, found ${JSON.stringify(text)}` };
  if (hostPorts.length !== guestPorts.length) {
    return { problem: `expected two ranges of one length, found ${hostPorts.length} and ${guestPorts.length} ports in ${JSON.stringify(text)}` };
  }
  const protocol = parts["protocol"] === "udp" ? "udp" : "tcp";
  return { ports: hostPorts.map((hostPort, index) => ({ host: host || loopback, hostPort, guestPort: guestPorts[index] ?? hostPort, protocol })) };
}

/** A port of the spec with its defaults. Texts must have been checked by `parsePorts`. */
export function resolvePorts(port: PortForward | string): readonly ResolvedPort[] {
  if (typeof port !== "string") return [{ host: port.host ?? loopback, hostPort: port.hostPort, guestPort: port.guestPort, protocol: port.protocol ?? "tcp" }];
  const parsed = parsePorts(port);
  return "ports" in parsed ? parsed.ports : [];
}

/** As the user would write it: "127.0.0.1:8080:80/tcp". */
export function portText({ host, hostPort, guestPort, protocol }: ResolvedPort): string {
  return `${host.includes(":") ? `[${host}]` : host}:${hostPort}:${guestPort}/${protocol}`;
}

/** Pairs of ports that would be bound twice. An unspecified address takes every other. */
export function clashingPorts(ports: readonly ResolvedPort[]): (readonly [ResolvedPort, ResolvedPort])[] {
  return ports.flatMap((port, index) => ports.slice(index + 1)
    .filter((other) => other.hostPort === port.hostPort && other.protocol === port.protocol && meets(port.host, other.host))
    .map((other) => [port, other] as const));
}

/** Whether a text is an address that a port can be bound to. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0 || text === "localhost";
}

/** Whether a number is a port. */
export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
}

function range(text: string): number[] | undefined {
  const [first = 0, last = first] = text.split("-").map(Number);
  if (!isPort(first) || !isPort(last) || last < first) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function meets(one: string, other: string): boolean {
  return one === other || [one, other].some((host) => host === "0.0.0.0" || host === "::");
}

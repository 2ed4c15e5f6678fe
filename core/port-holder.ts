import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  readonly name: string;
}

/** Who listens on a port of this host; undefined when nobody does, or when it is another user's process that we may not look into. */
export function portHolder(port: number, protocol: "tcp" | "udp" = "tcp"): PortHolder | undefined {
  if (process.platform === "darwin") return parseLsof(askLsof(port, protocol));
  const inodes = ["", "6"].flatMap((family) => parseSockets(readText(`/proc/net/${protocol}${family}`), port, protocol));
  const pid = inodes.length === 0 ? undefined : ownerOf(inodes);
  return pid === undefined ? undefined : { pid, name: readText(`/proc/${pid}/comm`).trim() };
}

/**
 * Inodes of the sockets that listen on a port, from the text of /proc/net/tcp and its like, proc_pid_net(5): the address in hex
 * with the port behind the colon, the state (0A listens; udp has 07 for unconnected), the inode as tenth word.
 */
export function parseSockets(text: string, port: number, protocol: "tcp" | "udp"): readonly string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const state = protocol === "tcp" ? "0A" : "07";
  return text.split("\n").slice(1).flatMap((line) => {
    const words = line.trim().split(/\s+/);
    return words[1]?.endsWith(`:${wanted}`) && words[3] === state && words[9] ? [words[9]] : [];
  });
}

/** The first process in the output of `lsof -F pc`: a line a field, "p123" and "cnginx". */
export function parseLsof(text: string): PortHolder | undefined {
  const pid = /^p(\d+)$/m.exec(text)?.[1];
  const name = /^c(.+)$/m.exec(text)?.[1];
  return pid === undefined ? undefined : { pid: Number(pid), name: name ?? "unknown" };
}

function askLsof(port: number, protocol: "tcp" | "udp"): string {
  const what = protocol === "tcp" ? [`-iTCP:${port}`, "-sTCP:LISTEN"] : [`-iUDP:${port}`];
  try {
    return execFileSync("/usr/sbin/lsof", ["-nP", ...what, "-Fpc"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 5000 });
  } catch {
    return ""; // exit status 1: nobody
  }
}

/** The process that has one of these sockets open. */
function ownerOf(inodes: readonly string[]): number | undefined {
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const pids = names("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => names(`/proc/${pid}/fd`).some((fd) => links.has(linkOf(`/proc/${pid}/fd/${fd}`))));
  return found === undefined ? undefined : Number(found);
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it has ended, or is another user's
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { formatSize } from "../units.ts";
import type { Finding, HostCheck } from "./finding.ts";

const gib = 2 ** 30;

/** Room where disks and images lie. */
export const spaceCheck: HostCheck = {
  title: "disk space",
  look({ run: { paths } }) {
    const places = [["machines", paths.machines], ["images", paths.store]] as const;
    const facts = places.map(([what, path]) => ({ what, path, ...roomAt(path) }));
    const findings = facts.flatMap(({ what, path, free, files }): Finding[] => [
      ...(free < 5 * gib ? [{ id: "disk-space", level: free < gib / 2 ? "broken" as const : "warning" as const, what: `${round(free)} are free for ${what} in ${path}`, fix: "glowplug image prune" }] : []),
      ...(files === 0 ? [{ id: "no-inodes", level: "broken" as const, what: `the file system of ${path} has room for no further file`, fix: "Remove files that are not needed" }] : []),
    ]);
    return { findings, fact: `${round(Math.min(...facts.map(({ free }) => free)))} free` };
  },
};

/** Memory that running machines may take together. */
export const memoryCheck: HostCheck = {
  title: "memory",
  look({ machines, host }) {
    const running = machines.filter(({ status }) => status.state === "running");
    const asked = running.reduce((sum, { record }) => sum + record.spec.memory, 0);
    const fact = `${round(asked)} of ${round(host.memory)} promised`;
    if (asked <= host.memory) return { findings: [], fact };
    const names = running.map(({ record }) => record.name).join(", ");
    return { fact, findings: [{ id: "memory-overcommitted", level: "warning", what: `${names} may take ${round(asked)} together, and the host has ${round(host.memory)}`, fix: "Stop one of them, or `glowplug set --memory` less" }] };
  },
};

/** Room in a folder's file system, or in that of the nearest folder above that is there. `files`: how many more fit; undefined where there is no limit. */
function roomAt(path: string): { readonly free: number; readonly files: number | undefined } {
  const there = existsSync(path) ? path : dirname(path);
  if (there !== path) return roomAt(there);
  const { bavail, bsize, files, ffree } = statfsSync(path);
  return { free: bavail * bsize, files: files === 0 ? undefined : ffree };
}

function round(bytes: number): string {
  return bytes < gib ? formatSize(Math.floor(bytes / 2 ** 20) * 2 ** 20) : `${(bytes / gib).toFixed(1)}GiB`;
}

import { posix } from "node:path";
import { MachineError } from "./errors.ts";

/**
 * systemd's name for a path, as `systemd-escape --path` prints it: "/home/me/my-src" is "home-me-my\x2dsrc".
 * Unit names of mounts and devices are made of it. Throws MachineError "bad-spec" for a path that systemd cannot name.
 */
export function escapePath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (!path.startsWith("/") || parts.includes("..")) {
    throw new MachineError("bad-spec", `the guest path ${JSON.stringify(path)} cannot be named in a systemd unit`, { hint: "Write an absolute path without .. in it." });
  }
  if (parts.length === 0) return "-";
  const bytes = Buffer.from(parts.join("/"));
  // systemd.unit(5): "/" becomes "-"; letters, digits and :_. stay, except a dot in front; every other byte is written as \xNN.
  return [...bytes].map((byte, index) => {
    const char = String.fromCharCode(byte);
    if (char === "/") return "-";
    return /[A-Za-z0-9:_.]/.test(char) && !(char === "." && index === 0) ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** A guest path without doubled or closing slashes, so that one file has one spelling. Throws MachineError "bad-spec" for a relative one or one that climbs. */
export function cleanGuestPath(path: string, plugin?: string): string {
  if (!path.startsWith("/") || path.split("/").includes("..")) {
    throw new MachineError("bad-spec", `the guest path ${JSON.stringify(path)} is not absolute, or climbs with ..`, { hint: "Begin it with a slash and spell it out.", plugin });
  }
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}

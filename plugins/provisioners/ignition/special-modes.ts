import type { GuestFile, GuestFolder } from "glowplug";

const specialBits = 0o7000;

/** The bits that every Ignition sets. */
export function plainMode(mode: number): number {
  return mode & ~specialBits;
}

/**
 * A file for systemd-tmpfiles that sets the modes with setuid, setgid or the sticky bit; undefined where there are none. Configs before
 * version 3.4.0 have no word for these bits, as ignition-validate(1) says. They are set anew at every boot, and not on what is gone by then.
 */
export function specialModes(nodes: readonly (GuestFile | GuestFolder)[]): GuestFile | undefined {
  const lines = nodes.flatMap(({ path, mode = 0 }) => ((mode & specialBits) === 0 ? [] : [`z ${quoted(path)} ${mode.toString(8).padStart(4, "0")}\n`]));
  return lines.length === 0 ? undefined : { path: "/etc/tmpfiles.d/90-glowplug-modes.conf", content: lines.join("") };
}

/** tmpfiles.d(5): words may be quoted as C does it, "%" begins a specifier, and the path of a "z" line is a pattern. */
function quoted(path: string): string {
  return JSON.stringify(path.replaceAll(/[*?[\]\\]/g, "\\$&").replaceAll("%", "%%"));
}

/** The subset of Ignition's config, version 3, that we write. Its documentation: coreos/ignition, docs/configuration-v3_3.md. */
export interface IgnitionConfig {
  readonly ignition: { readonly version: string };
  readonly passwd: { readonly users: readonly IgnitionUser[] };
  readonly storage: { readonly directories: readonly IgnitionNode[]; readonly files: readonly IgnitionFile[]; readonly links: readonly IgnitionLink[] };
  readonly systemd: { readonly units: readonly IgnitionUnit[] };
}
export interface IgnitionUser {
  readonly name: string;
  readonly uid?: number;
  readonly groups?: readonly string[];
  readonly shell?: string;
  readonly sshAuthorizedKeys?: readonly string[];
  readonly shouldExist?: false;
}
export interface IgnitionNode {
  readonly path: string;
  readonly overwrite?: boolean;
  readonly mode?: number;
  readonly user?: { readonly name: string };
  readonly group?: { readonly name: string };
}
export interface IgnitionFile extends IgnitionNode {
  readonly contents: { readonly source: string };
}
export interface IgnitionLink extends IgnitionNode {
  readonly target: string;
  readonly hard: false;
}
export interface IgnitionUnit {
  readonly name: string;
  readonly enabled?: boolean;
  readonly mask?: boolean;
  readonly contents?: string;
  readonly dropins?: readonly { readonly name: string; readonly contents: string }[];
}

/** Versions that can be asked for. Each reads all that the ones before it read. */
export const versions = ["3.0.0", "3.1.0", "3.2.0", "3.3.0"] as const;
export type IgnitionVersion = (typeof versions)[number];

/** Compares "3.10.0" and "3.2.0" as numbers. */
export function compareVersions(left: string, right: string): number {
  return left.localeCompare(right, "en", { numeric: true });
}

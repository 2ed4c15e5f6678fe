import { MachineError } from "./errors.ts";

export interface SshConfigInput {
  /** The machine's name: what is typed after `ssh -F FILE`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Absolute path of the private key. */
  readonly keyFile: string;
  /** Absolute path of the known_hosts file. */
  readonly knownHosts: string;
}

/**
 * An ssh_config for one machine, with host-key checking on. In known_hosts the machine stands under its name and
 * never under an address (HostKeyAlias), so a changed port asks no question. Throws MachineError "ssh" for a path
 * that the format cannot hold.
 */
export function renderSshConfig({ name, host, port, user, keyFile, knownHosts }: SshConfigInput): string {
  const lines = [
    `HostName ${host}`,
    `Port ${port}`,
    `User ${user}`,
    `IdentityFile ${quotePath(keyFile)}`,
    "IdentitiesOnly yes",
    "PreferredAuthentications publickey",
    `HostKeyAlias ${name}`,
    "HostKeyAlgorithms ssh-ed25519",
    "StrictHostKeyChecking yes",
    `UserKnownHostsFile ${quotePath(knownHosts)}`,
  ];
  return [`Host ${name}`, ...lines.map((line) => `  ${line}`), ""].join("\n");
}

/** A known_hosts of one line. `alias` is the machine's name, `hostKey` is a public key line; its comment is left out. Nothing for a key that nobody knows yet. */
export function renderKnownHosts(alias: string, hostKey: string): string {
  if (hostKey === "") return "";
  const [type, key] = hostKey.trim().split(/\s+/);
  return `${alias} ${type} ${key}\n`;
}

/** ssh_config(5): a path with spaces stands in double quotes, and % begins a token. ${ begins a variable, and nothing takes that meaning away. */
function quotePath(path: string): string {
  if (/[\r\n]/.test(path) || path.includes("${")) {
    throw new MachineError("ssh", `the path ${JSON.stringify(path)} cannot stand in an ssh_config`, { hint: "Name a folder without line breaks and without ${ in its name." });
  }
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%")}"`;
}

import { MachineError } from "./errors.ts";
import { GuestDraft, type GuestMount } from "./guest.ts";
import { growRoot } from "./grow-root.ts";
import { readUserConfig } from "./user-config.ts";
import type { GuestFile } from "./model.ts";
import { lanFiles } from "./lan.ts";
import type { LanPlace } from "./record.ts";
import type { ResolvedSpec } from "./spec-types.ts";

export { finishGuest } from "./first-boot.ts";

export interface DraftInput {
  /** The machine's login key, in authorized_keys form. */
  readonly authorizedKey: string;
  /** The machine's own ssh host key: OpenSSH's private form, and its public line. */
  readonly hostKey: { readonly privateKey: string; readonly publicKey: string };
  /** The login user's id. */
  readonly uid: number;
  /** The machine's place on the network that it shares with others. */
  readonly lan?: LanPlace;
  /** How the launcher hands the spec's volumes to the guest. */
  readonly mounts: readonly GuestMount[];
  /** Reads a file of the host that the spec names. `what` it is, for messages. */
  readSource(path: string, what: string): string;
}

/**
 * The core's own part of first boot: everything that the spec says and ssh needs. Plugins add theirs in the `ignition` hook,
 * then `finishGuest` adds the units that do it. Pure apart from `readSource`. Throws MachineError "bad-spec" or "conflict".
 */
export function draftGuest(spec: ResolvedSpec, input: DraftInput): GuestDraft {
  const guest = new GuestDraft({ hostname: hostnameOf(spec.name), ready: spec.launcher.ready });
  addUsers(guest, spec, input);
  addSsh(guest, input.hostKey);
  guest.link({ path: "/etc/localtime", target: `../usr/share/zoneinfo/${checkedTimezone(spec.timezone)}` });
  growRoot(guest);
  for (const file of spec.files) guest.file(withContent(file, input));
  for (const file of input.lan ? lanFiles(input.lan) : []) guest.file(file);
  for (const unit of spec.units) guest.unit(unit);
  guest.package(...spec.packages);
  for (const command of spec.run) guest.run(command);
  for (const mount of input.mounts) guest.mount(mount);
  // Its addon reads it in the hook: one that is not there is told now, before anything is fetched.
  if (spec.playbook !== undefined) input.readSource(spec.playbook, "the playbook");
  if (spec.ignitionPath !== undefined) {
    guest.userConfig = readUserConfig(spec.ignitionPath, input.readSource(spec.ignitionPath, "the Ignition config"), spec.provisioner);
  }
  return guest;
}

function addUsers(guest: GuestDraft, spec: ResolvedSpec, { authorizedKey, uid }: DraftInput): void {
  const authorizedKeys = [authorizedKey.trim()];
  guest.user({ name: "root", authorizedKeys });
  if (spec.user === "root") return;
  // Fedora CoreOS makes its own user whatever the config says, and gives it the first free id: the one that ours needs.
  if (spec.image.user !== spec.user && spec.image.user !== "root") guest.user({ name: spec.image.user, absent: true });
  // Every group must exist in the image, or Ignition fails the first boot: those of Fedora CoreOS's own user are the vocabulary.
  guest.user({ name: spec.user, uid, groups: ["sudo", "adm", "wheel", "systemd-journal"], authorizedKeys });
  guest.file({ path: "/etc/sudoers.d/90-glowplug", mode: 0o440, content: `${spec.user} ALL=(ALL:ALL) NOPASSWD: ALL\n` });
}

function addSsh(guest: GuestDraft, hostKey: DraftInput["hostKey"]): void {
  const key = "/etc/ssh/ssh_host_ed25519_key";
  guest.file({ path: key, mode: 0o600, content: withNewline(hostKey.privateKey) });
  guest.file({ path: `${key}.pub`, content: withNewline(hostKey.publicKey) });
  // One host key is pinned, so one is offered. One connection carries every command of the host: sshd's limit of 10 is too low for that.
  guest.file({ path: "/etc/ssh/sshd_config.d/10-glowplug.conf", mode: 0o600, content: `HostKey ${key}\nPermitRootLogin prohibit-password\nMaxSessions 512\n` });
  // Fedora makes further host keys before sshd may start: seconds of a first boot for keys that nobody is shown.
  for (const kind of ["rsa", "ecdsa"]) guest.unit({ name: `sshd-keygen@${kind}.service`, mask: true });
}

/** A machine's name as a host name (RFC 1123): letters, digits and hyphens. "web_1.test" is "web-1-test". */
function hostnameOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "").slice(0, 63) || "localhost";
}

function checkedTimezone(name: string): string {
  if (!/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(name)) {
    throw new MachineError("bad-spec", `${JSON.stringify(name)} is no time zone`, { hint: 'Write an IANA name such as "Europe/Rome".' });
  }
  return name;
}

function withContent(file: GuestFile, input: DraftInput): GuestFile {
  const { source, ...rest } = file;
  return source === undefined ? rest : { ...rest, content: input.readSource(source, "the source of a guest file") };
}

function withNewline(text: string): string {
  return `${text.trimEnd()}\n`;
}

import type { GuestDraft, GuestFile, GuestUser } from "glowplug";
import { allUnits, applyScript, unitFolder } from "./apply.ts";
import { earlyScript } from "./early.ts";
import { everyBoot, everyBootPath } from "./every-boot.ts";
import { laidFolder } from "./functions.ts";
import { placeFiles } from "./placement.ts";
import type { YamlMap } from "./yaml.ts";

/** The draft in cloud-init's words (its documentation, "Module reference"); all of them are known since version 22. */
export function cloudConfig(guest: GuestDraft): YamlMap {
  const { early, late } = placeFiles(guest);
  const units = allUnits(guest);
  const written: readonly GuestFile[] = [
    ...early,
    ...units.flatMap(({ name, content, dropins = [] }) => [
      ...(content === undefined ? [] : [{ path: `${unitFolder}/${name}`, content }]),
      ...dropins.map((dropin) => ({ path: `${unitFolder}/${name}.d/${dropin.name}`, content: dropin.content })),
    ]),
  ];
  const rootKeys = guest.users.find(({ name }) => name === "root")?.authorizedKeys ?? [];
  const ours: readonly GuestFile[] = [
    ...late.map(({ name, file: { content } }) => ({ path: `${laidFolder}/${name}`, mode: 0o600, content })),
    { path: `${laidFolder}/apply`, mode: 0o600, content: applyScript(guest) },
    { path: everyBootPath, mode: 0o755, content: everyBoot },
  ];
  return {
    hostname: hostnameOf(guest),
    preserve_hostname: false,
    prefer_fqdn_over_hostname: false,
    // Without it sudo looks for the host name in the network, where the C library does not know it by itself.
    manage_etc_hosts: guest.files.some(({ path }) => path === "/etc/hosts") ? false : "localhost",
    // Its own choice is DHCP on the card that it finds, tied to the card's address, which changes with the forwarder.
    updates: { network: { when: ["boot-new-instance", "boot"] } },
    growpart: { mode: "auto", devices: ["/"] },
    resize_rootfs: true,
    // The machine's own host key is a file of the draft. No other is made.
    ssh_deletekeys: false,
    ssh_genkeytypes: ["ed25519"],
    ssh: { emit_keys_to_console: false },
    no_ssh_fingerprints: true,
    ssh_pwauth: false,
    disable_root: false,
    // Without the word "default" among the users these are root's alone, and the image's own user is not made.
    ...(rootKeys.length > 0 && { ssh_authorized_keys: rootKeys }),
    // Where root alone logs in the list is empty: version 22 finds that too short and goes on, later ones are content.
    users: guest.users.filter(({ name, absent }) => name !== "root" && !absent).map(userOf),
    bootcmd: [earlyScript(written.map(({ path }) => path), guest)],
    write_files: [...written, ...ours].map(({ path, mode = 0o644, content = "" }) => ({ path, owner: "root:root", permissions: mode.toString(8).padStart(4, "0"), content })),
  };
}

/** A plugin that writes /etc/hostname has the last word. */
export function hostnameOf({ files, hostname }: GuestDraft): string {
  return files.find(({ path }) => path === "/etc/hostname")?.content?.trim() || hostname;
}

/** "*" is no password and no lock: sshd without PAM refuses users whose password is locked. */
function userOf({ name, uid, groups = [], shell, authorizedKeys = [] }: GuestUser): YamlMap {
  return {
    name, ...(uid !== undefined && { uid }), primary_group: name, ...(groups.length > 0 && { groups }), ...(shell !== undefined && { shell }),
    passwd: "*", lock_passwd: false, ...(authorizedKeys.length > 0 && { ssh_authorized_keys: authorizedKeys }),
  };
}

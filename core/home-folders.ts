import type { GuestDraft } from "./guest.ts";
import type { GuestFolder } from "./model.ts";

/**
 * Folders between a user's home and the things in it that the draft does not name itself. First boot would make them as root's,
 * and the user could then write nothing beside them.
 */
export function homeFolders(guest: GuestDraft): GuestFolder[] {
  const named = new Set([...guest.folders, ...guest.files, ...guest.links].map((node) => node.path));
  const found = new Map<string, GuestFolder>();
  for (const { name } of guest.users.filter((user) => user.name !== "root" && !user.absent)) {
    const home = `/home/${name}`;
    for (const path of [...named].filter((other) => other.startsWith(`${home}/`))) {
      for (let at = path.lastIndexOf("/"); at > home.length; at = path.lastIndexOf("/", at - 1)) {
        const folder = path.slice(0, at);
        // sshd and gpg want theirs closed to others.
        const mode = /^\.(ssh|gnupg)$/.test(folder.slice(home.length + 1)) ? 0o700 : 0o755;
        if (!named.has(folder)) found.set(folder, { path: folder, mode, user: name, group: name });
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

import { homeFolders, type GuestDraft, type GuestFile } from "glowplug";

/** A file that cloud-init lays down for `apply`, which puts it where it belongs. */
export interface LaidFile {
  /** Its name among the laid-down files. */
  readonly name: string;
  readonly file: GuestFile;
}

/**
 * Which files cloud-init writes itself. It does that early, before most services start, and before it makes users: so only root's
 * files can be written there, none in a home that is still to be made, and none that making users changes. It also knows no
 * "keep what is there". All others wait for the end of the boot.
 */
export function placeFiles(guest: GuestDraft): { readonly early: readonly GuestFile[]; readonly late: readonly LaidFile[] } {
  const homes = guest.users.map(({ name }) => `/home/${name}/`);
  const isEarly = ({ path, user = "root", group = user, overwrite = true }: GuestFile): boolean =>
    overwrite && user === "root" && group === "root" && !accounts.test(path) && !homes.some((home) => path.startsWith(home));
  const late = guest.files.filter((file) => !isEarly(file));
  return { early: guest.files.filter(isEarly), late: late.map((file, index) => ({ name: String(index).padStart(3, "0"), file })) };
}

/** What useradd writes into. */
const accounts = /^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$/;

/** Every folder of the draft, parents first. */
export function placeFolders(guest: GuestDraft): ReturnType<typeof homeFolders> {
  return [...homeFolders(guest), ...guest.folders].sort((a, b) => (a.path < b.path ? -1 : 1));
}

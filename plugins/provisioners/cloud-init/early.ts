import { quote, type GuestDraft, type GuestUser } from "glowplug";
import { applied } from "./every-boot.ts";

/**
 * Runs early in each boot until the first boot is over, before cloud-init writes files and makes users. What is in the way of a
 * file goes: cloud-init would write through a link. So does a user of the image's whom the draft does not want, since ours may need
 * the same id. Then come groups: cloud-init would give missing ones the ids that users' own groups are to have, and some systems
 * (SUSE's) make no group for a user.
 */
export function earlyScript(paths: readonly string[], { users }: GuestDraft): string {
  const wanted = users.filter(({ absent }) => !absent);
  const groups = [...new Set(wanted.flatMap((user) => user.groups ?? []))];
  const lines = [
    `for path in ${paths.map(quote).join(" ")}; do`,
    '  if [ -L "$path" ] || [ -d "$path" ]; then rm -rf "$path"; fi',
    "done",
    ...users.filter(({ absent }) => absent).map(({ name }) => quote(name)).map((name) => `if id ${name} > /dev/null 2>&1; then userdel -r ${name} || deluser --remove-home ${name}; fi`),
    'has_group() { { getent group "$1" || grep "^$1:" /etc/group; } > /dev/null 2>&1; }',
    ...groups.map(quote).map((group) => `has_group ${group} || groupadd -r ${group} || addgroup -S ${group}`),
    ...wanted.filter(({ name }) => name !== "root").map(ownGroup),
  ];
  return `if [ ! -e ${applied} ]; then\n${lines.map((line) => `  ${line}\n`).join("")}fi\n`;
}

/** The user's id is the group's as well, if it is free. */
function ownGroup({ name, uid }: GuestUser): string {
  const word = quote(name);
  const tries = ["groupadd", "addgroup"].flatMap((program) => [...(uid === undefined ? [] : [`${program} -g ${uid} ${word}`]), `${program} ${word}`]);
  return [`has_group ${word}`, ...tries].join(" || ");
}

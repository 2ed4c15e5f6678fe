import { quote } from "./command.ts";

/**
 * A shell line that brings our names in the guest's /etc/hosts to these, by name: those that were there under the same tag and are no longer named
 * go. The file stays the same one, so that what is mounted over it or holds it open goes on. podman gives its containers the file's names as well.
 */
export function hostsLine(tag: string, names: Readonly<Record<string, string>>): string {
  const mark = `# glowplug: ${tag}`;
  const lines = Object.entries(names).map(([name, address]) => `${address}\t${name} ${mark}`);
  const end = quote(` ${mark}$`);
  return [
    `new=$(grep -v ${end} /etc/hosts 2> /dev/null || :${lines.map((line) => `; echo ${quote(line)}`).join("")})`,
    `[ "$new" = "$(cat /etc/hosts 2> /dev/null)" ] || printf '%s\\n' "$new" > /etc/hosts`,
  ].join("\n");
}

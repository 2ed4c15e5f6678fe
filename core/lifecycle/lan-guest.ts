import { quote } from "../command.ts";
import { messageOf, MachineError } from "../errors.ts";
import { hostsLine } from "../guest-hosts.ts";
import { execAsRoot } from "../guest-root.ts";
import { keeperShell } from "../keeper/client.ts";
import { lanPrefix } from "../lan.ts";
import type { LanPlace, MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { membersOf } from "./lan.ts";
import { livingKeeper } from "./status.ts";

/**
 * Sees to the shared network in a guest that has come up: its card has the address, whatever manages it, and it knows the others by name. Those
 * that run are told of it. Throws MachineError "ssh" with what the guest said; another guest that cannot be told is a warning.
 */
export async function joinLan(record: MachineRecord, run: Run): Promise<void> {
  const { lan, name } = record;
  if (!lan) return;
  const members = membersOf(lan.network, run);
  const names = Object.fromEntries(members.map((member) => [member.name, member.lan.address]));
  await tell(record, `${addressScript(lan)}\n${hostsLine("network", names)}`, run);
  const others = members.filter((member) => member.name !== name && livingKeeper(run.paths.machine(member.name)));
  await Promise.all(others.map((other) => tell(other, hostsLine("network", names), run).catch((error: unknown) => {
    run.report.warn(`${other.name} was not told of ${name}: ${messageOf(error)}`);
  })));
}

/** For any POSIX shell with GNU's or busybox's small programs. A card that its network manager has set up already is left alone. */
export function addressScript({ mac, address }: LanPlace): string {
  return [
    "for card in /sys/class/net/*; do",
    `  [ "$(cat "$card/address")" = ${quote(mac)} ] || continue`,
    "  name=${card##*/}",
    `  ip -4 addr show dev "$name" | grep -qF ${quote(` ${address}/`)} && continue`,
    '  ip link set dev "$name" up',
    `  ip addr add ${quote(`${address}/${lanPrefix}`)} dev "$name"`,
    "done",
  ].join("\n");
}

async function tell({ name, ssh }: MachineRecord, script: string, { paths, signal }: Run): Promise<void> {
  const { exitCode, stderr } = await execAsRoot(keeperShell(paths.machine(name).keeperSocket), ssh.user, ["/bin/sh", "-euc", script], { signal, timeoutMs: 60_000 });
  if (exitCode === 0) return;
  throw new MachineError("ssh", `the network of ${name} could not be set up in the guest: ${stderr.trim().split("\n").at(-1) || `exit status ${exitCode}`}`, { stage: "network" });
}

import { createHash } from "node:crypto";
import { MachineError } from "./errors.ts";
import type { GuestFile } from "./model.ts";
import { macOf } from "./mac.ts";
import type { LanPlace, MachineRecord } from "./record.ts";
import type { ResolvedSpec } from "./spec-types.ts";

/**
 * Addresses of shared networks: half of the range that RFC 2544 sets aside for measurements. Nobody routes it, so it hides nothing that a
 * guest may want to reach. Each network is one by itself, so all have the same addresses.
 */
const range = "198.18";
export const lanPrefix = 16;

/**
 * A machine's place on a network: hardware and IP address made of its names, so that they stay, whoever else is there. Where
 * another machine has the address the next free one is taken.
 */
export function lanPlace(network: string, name: string, seed: string, records: readonly MachineRecord[]): LanPlace {
  const taken = new Set(records.filter(({ lan, name: other }) => lan?.network === network && other !== name).map(({ lan }) => lan?.address));
  const hash = createHash("sha256").update(`${network}/${name}`).digest().readUInt16BE(0);
  for (let step = 0; step < 2 ** 16; step += 1) {
    const number = (hash + step) % 2 ** 16;
    const address = `${range}.${number >> 8}.${number & 255}`;
    // Neither the network's own address, nor the one for everybody, nor what looks like one of them.
    if ([0, 255].includes(number & 255) || taken.has(address)) continue;
    return { network, mac: macOf(`${seed} lan`), address };
  }
  throw new MachineError("host-limits", `the network ${network} is full`, { hint: "Give some of its machines another `network`." });
}

/** Whether a machine gets a card on its network. Throws MachineError "slots-mismatch" where it was asked for and the launcher cannot. */
export function canJoinLan({ network, launcher, sources }: Pick<ResolvedSpec, "network" | "launcher" | "sources">): boolean {
  if (network === undefined) return false;
  if (launcher.abilities.lan === true) return true;
  if (sources["network"] === "default") return false;
  throw new MachineError("slots-mismatch", `launcher ${launcher.name} cannot put a machine on the network ${network}: it has one network card`, {
    hint: "Leave `network` out, or choose another launcher.",
  });
}

/** What tells the two common network managers about the card. A guest that has one of them overlooks the other's file. */
export function lanFiles({ mac, address }: LanPlace): readonly GuestFile[] {
  const text = (sections: Readonly<Record<string, readonly string[]>>): string => Object.entries(sections).map(([name, lines]) => `[${name}]\n${lines.map((line) => `${line}\n`).join("")}`).join("\n");
  return [
    {
      // Before whatever serves all cards: the first file that matches counts (systemd.network(5)).
      path: "/etc/systemd/network/05-glowplug-lan.network",
      content: text({ Match: [`MACAddress=${mac}`], Link: ["RequiredForOnline=no"], Network: [`Address=${address}/${lanPrefix}`, "LinkLocalAddressing=no", "IPv6AcceptRA=no"] }),
    },
    {
      // NetworkManager reads no keyfile that others can read (NetworkManager.conf(5), "keyfile").
      path: "/etc/NetworkManager/system-connections/glowplug-lan.nmconnection", mode: 0o600,
      content: text({
        connection: ["id=glowplug-lan", "type=ethernet"], ethernet: [`mac-address=${mac.toUpperCase()}`],
        ipv4: ["method=manual", `address1=${address}/${lanPrefix}`, "never-default=true"], ipv6: ["method=disabled"],
      }),
    },
  ];
}

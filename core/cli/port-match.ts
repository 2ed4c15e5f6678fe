import { MachineError } from "../errors.ts";
import type { OpenPort } from "../keeper/protocol.ts";
import { parsePorts } from "../spec/ports.ts";

/** A port of the host by itself: "8080", "8080/udp", "127.0.0.1:8080", "[::1]:8080". An address is no number. */
const hostPortForm = /^(?:(?<host>\[[^\]]+\]|[^:[\]]*[^:\d[\]][^:[\]]*):)?(?<port>\d+)(?:\/(?<protocol>tcp|udp))?$/;

/**
 * The open ports of a machine that a word of `port rm` means. Throws MachineError "usage" for a word that is no port or means several,
 * "not-found" for one that is not open, "wrong-state" for one that a program in the guest keeps open.
 */
export function matchPort(word: string, open: readonly OpenPort[], name: string): readonly OpenPort[] {
  const wanted = readWanted(word);
  return wanted.map(({ host, hostPort, protocol }) => {
    const found = open.filter((port) => port.hostPort === hostPort && (host === undefined || port.host === host) && (protocol === undefined || port.protocol === protocol));
    const [port] = found;
    if (!port) throw new MachineError("not-found", `port ${hostPort}${protocol === undefined ? "" : `/${protocol}`} of ${host ?? "the host"} does not lead into ${name}`, { hint: `\`glowplug port ls ${name}\` shows those that do.` });
    if (found.length > 1) {
      throw new MachineError("usage", `${word} means ${found.length} ports of ${name}: ${found.map((one) => `${one.host}:${one.hostPort}/${one.protocol}`).join(", ")}`, { hint: "Name the address or the protocol as well." });
    }
    if (port.by === "guest") {
      throw new MachineError("wrong-state", `port ${hostPort}/${port.protocol} was opened by a program in ${name}, and closes with it`, { hint: `For a container of its podman: glowplug ssh ${name} podman ps` });
    }
    return port;
  });
}

function readWanted(word: string): readonly { readonly host?: string; readonly hostPort: number; readonly protocol?: string }[] {
  const parts = hostPortForm.exec(word.trim())?.groups;
  if (parts) {
    const { host, port, protocol } = parts;
    return [{ hostPort: Number(port), ...(host !== undefined && { host: host.replace(/^\[|\]$/g, "") }), ...(protocol !== undefined && { protocol }) }];
  }
  const parsed = parsePorts(word);
  if ("problem" in parsed) throw new MachineError("usage", parsed.problem);
  return parsed.ports;
}

import { MachineError } from "../errors.ts";
import { askKeeper } from "../keeper/client.ts";
import { protocolVersion, type OpenPort } from "../keeper/protocol.ts";
import type { ResolvedPort } from "../model.ts";
import type { MachineRecord } from "../record.ts";
import { clashingPorts, parsePorts, portText } from "../spec/ports.ts";
import { readRecord } from "../store.ts";
import { step } from "../step.ts";
import { checkWords, pickAction } from "./actions.ts";
import { printItems } from "./answer.ts";
import { on, text } from "./flags.ts";
import { parseFormat } from "./format.ts";
import { matchPort } from "./port-match.ts";
import { runningMachine } from "./running.ts";
import { nameOf } from "./subject.ts";
import { defineVerb, type Call } from "./verb.ts";

const flags = {
  format: text("--format <format>", "For ls: json, yaml, or a Go template; after \"table \" with headers"),
  noHeading: on("-n, --noheading", "For ls: no headers"),
} as const;
type PortCall = Call<typeof flags>;

const columns = "table {{.HostIP}}\t{{.HostPort}}\t{{.GuestPort}}\t{{.Protocol}}\t{{.OpenedBy}}";
const fields = ["HostIP", "HostPort", "GuestPort", "Protocol", "OpenedBy"];

export default defineVerb({
  usage: "ls|add|rm [NAME] [PORT...]",
  description: [
    "ls shows which ports of the host lead into the machine, and who opened them: its spec, the user, or",
    "a program in the guest, such as its podman. add and rm open and close ports while it runs; what add",
    "opened is closed when the machine stops.",
    "A PORT is [ADDRESS:]HOSTPORT:GUESTPORT[/udp], on 127.0.0.1 where no address is named; for rm",
    "HOSTPORT is enough.",
  ].join("\n"),
  examples: ["glowplug port ls web", "glowplug port add web 8080:80 5353:53/udp", "glowplug port rm web 8080"],
  flags,
  most: Number.POSITIVE_INFINITY,
  async run(call) {
    const { action, rest } = pickAction("port", call.words, { ls, list: ls, add, rm, remove: rm });
    await action(call, rest);
  },
});

async function ls(call: PortCall, words: readonly string[]): Promise<void> {
  checkWords("port ls", words, { most: 1 });
  const { flags: { format, noHeading }, globals, output } = call;
  const { record, ports } = await openPorts(await nameOf({ ...call, words }), call);
  await printItems(parseFormat(format ?? (globals.json ? "json" : columns)), ports.map((port) => portItem(port, record)), { fields, headers: { OpenedBy: "OPENED BY" }, ...(noHeading && { noHeading: true }) }, output);
}

async function add(call: PortCall, words: readonly string[]): Promise<void> {
  const { name, ports: texts } = await target("port add", call, words);
  const wanted = texts.flatMap(readPorts);
  const { record, ports: open } = await openPorts(name, call);
  // One that leads there already is as it should be: an earlier line may have been killed before it could say so.
  const isOpen = (port: ResolvedPort): boolean => open.some((one) => one.by === "host" && portText(one) === portText(port));
  const missing = wanted.filter((port) => !isOpen(port));
  const [clash] = clashingPorts([...open, ...missing]);
  if (clash) throw clashError(name, open, clash);
  const { requireFreePort } = await import("../lifecycle/free-port.ts");
  const added: ResolvedPort[] = [];
  try {
    for (const port of missing) {
      await requireFreePort(port);
      step("port.checked");
      await ask(record, call, { op: "port-add", port });
      added.push(port);
      step("port.opened");
    }
  } catch (error) {
    for (const port of added.reverse()) await ask(record, call, { op: "port-remove", port });
    throw error;
  }
  answer(call, record, wanted, ({ host, hostPort, guestPort, protocol }) => `${host}:${hostPort} leads to port ${guestPort}/${protocol} of ${name}`);
}

async function rm(call: PortCall, words: readonly string[]): Promise<void> {
  const { name, ports: texts } = await target("port rm", call, words);
  const { record, ports: open } = await openPorts(name, call);
  const doomed = texts.flatMap((word) => matchPort(word, open, name));
  for (const port of doomed) await ask(record, call, { op: "port-remove", port });
  answer(call, record, doomed, ({ host, hostPort, protocol }) => `${host}:${hostPort}/${protocol} is closed`);
}

/** NAME and ports of a line. NAME may be left out: a name has no colon, and one word alone is a port. */
async function target(action: string, call: PortCall, words: readonly string[]): Promise<{ readonly name: string; readonly ports: readonly string[] }> {
  checkWords(action, words, { least: 1 });
  const [first = "", ...rest] = words;
  const isName = rest.length > 0 && !first.includes(":") && (!/^\d/.test(first) || readRecord(call.run.paths, first) !== undefined);
  return isName ? { name: first, ports: rest } : { name: await nameOf({ ...call, words: [] }), ports: words };
}

function readPorts(word: string): readonly ResolvedPort[] {
  const parsed = parsePorts(word);
  if ("problem" in parsed) throw new MachineError("usage", parsed.problem);
  return parsed.ports;
}

async function openPorts(name: string, { run }: PortCall): Promise<{ readonly record: MachineRecord; readonly ports: readonly OpenPort[] }> {
  const { record } = await runningMachine(name, run);
  const ports = await askKeeper<readonly OpenPort[]>(run.paths.machine(name).keeperSocket, { v: protocolVersion, op: "port-list" }, { timeoutMs: 10_000, signal: run.signal });
  return { record, ports };
}

function ask({ name }: MachineRecord, { run }: PortCall, request: { readonly op: "port-add" | "port-remove"; readonly port: ResolvedPort }): Promise<unknown> {
  // What is begun is finished, so that what was opened is known and can be closed again.
  return askKeeper(run.paths.machine(name).keeperSocket, { v: protocolVersion, ...request }, { timeoutMs: 30_000 });
}

function portItem({ by, ...port }: OpenPort, { spec }: MachineRecord): object {
  const inSpec = spec.ports.some((one) => portText(one) === portText(port));
  return { HostIP: port.host, HostPort: port.hostPort, GuestPort: port.guestPort, Protocol: port.protocol, OpenedBy: by === "guest" ? by : inSpec ? "spec" : "user" };
}

function answer({ globals, output }: PortCall, record: MachineRecord, ports: readonly ResolvedPort[], line: (port: ResolvedPort) => string): void {
  if (globals.json) output.json(ports.map((port) => portItem({ ...port, by: "host" }, record)));
  else if (!globals.quiet) for (const port of ports) output.line(line(port));
}

function clashError(name: string, open: readonly OpenPort[], [one, other]: readonly [ResolvedPort, ResolvedPort]): MachineError {
  const there = open.find((port) => port === one);
  return there
    ? new MachineError("port-taken", `port ${there.hostPort}/${there.protocol} of ${there.host} leads to port ${there.guestPort} of ${name} already`, { hint: `\`glowplug port ls ${name}\` shows all of them.` })
    : new MachineError("usage", `expected each port of the host once, found ${portText(one)} and ${portText(other)}`);
}

import { join } from "node:path";
import { isMachineError, messageOf } from "../errors.ts";
import { forwardPort } from "../ssh.ts";
import { BoundedLog } from "./bounded-log.ts";
import { Children } from "./children.ts";
import { Connections } from "./connections.ts";
import { GuestConsole } from "./console.ts";
import { VmControl } from "./control.ts";
import { formatPort } from "./expose.ts";
import type { Journal } from "./journal.ts";
import { LanSwitch } from "./lan/switch.ts";
import type { KeeperPlan } from "./plan.ts";
import { Ports } from "./ports.ts";
import { Problems } from "./problems.ts";
import { ReadySignal } from "./ready.ts";
import { Shares } from "./shares.ts";
import { Sockets } from "./sockets.ts";

/** What a running machine consists of: shared by what brings it up, watches it, and takes it down. */
export interface Parts {
  readonly plan: KeeperPlan;
  readonly journal: Journal;
  readonly problems: Problems;
  readonly children: Children;
  readonly control: VmControl;
  readonly console: GuestConsole;
  readonly ready: ReadySignal;
  readonly connections: Connections;
  readonly ports: Ports;
  readonly sockets: Sockets;
  /** Its place on the network that it shares with other machines. */
  readonly lan?: LanSwitch;
  readonly shares: Shares;
  /** Aborts when the VM is gone: nobody needs the guest any more. */
  readonly stopping: AbortController;
}

/** The parts for a plan. Nothing is spawned, connected or opened yet. */
export function partsFor(plan: KeeperPlan, journal: Journal, environment: Readonly<Record<string, string | undefined>>): Parts {
  const stopping = new AbortController();
  const problems = new Problems();
  const control = new VmControl();
  const connections = new Connections(plan, stopping.signal);
  // A connection that could not be carried: known to the journal, no fault of the machine. But where somebody else answers in its place, it is not well.
  const note = (about: string, error: unknown): void => {
    journal.say("note", { about, text: messageOf(error) });
    if (isMachineError(error) && error.code === "host-key") problems.set("host key", messageOf(error));
  };
  const children = new Children(plan, journal, environment);
  return {
    plan, journal, problems, stopping, control, connections, children,
    console: new GuestConsole(new BoundedLog(join(plan.folders.logs, "serial.log"))),
    ready: new ReadySignal(),
    ports: new Ports(plan, journal, problems, {
      monitor: (line) => control.monitor(line),
      carry: (port) => forwardPort({ port, connection: () => connections.as(), onError: (error) => note(formatPort(port), error) }),
    }),
    sockets: new Sockets(plan, connections, note),
    ...(plan.lan && { lan: new LanSwitch(plan.lan) }),
    shares: new Shares(plan, children, control),
  };
}

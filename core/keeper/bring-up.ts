import { isMachineError, MachineError, messageOf } from "../errors.ts";
import { within } from "../limit.ts";
import type { SocketForward } from "../model.ts";
import { run } from "../ssh.ts";
import { again } from "./again.ts";
import type { Child } from "./child.ts";
import { waitListening } from "./listening.ts";
import type { Parts } from "./parts.ts";
import type { Phases } from "./phases.ts";
import { besideVm } from "./plan.ts";
import { probeSocket } from "./probe.ts";
import { checkReadyLine } from "./ready.ts";
import { sealFolders } from "./seal.ts";

/** Brings a machine up in order. Rejects with what ended the start, and leaves what it began to whoever takes it down. */
export async function bringUp(parts: Parts, phases: Phases): Promise<void> {
  const { plan, children, console, ready, connections, ports, sockets } = parts;
  const { deadlines } = plan;
  await phases.run("helpers", deadlines.helpersMs, async (signal) => {
    await parts.lan?.open();
    for (const planned of besideVm(plan)) {
      const child = await children.spawnPlanned(planned);
      await waitListening(planned.listens, { timeoutMs: deadlines.helpersMs, signal, who: child.name, death: phases.lost });
      sealFolders(planned, plan.folders);
    }
  });
  const vm = await children.spawn(plan.vm, "vm");
  phases.mark("vm");
  await phases.run("monitor", deadlines.monitorMs, (signal) => attach(vm, parts, phases, signal));
  await phases.run("life", deadlines.lifeMs, async () => {
    await (plan.console?.kind === "unix" ? Promise.race([console.alive, ready.line]) : undefined);
  });
  const login = (signal: AbortSignal) => again(() => connections.as(), signal, (error) => isMachineError(error) && error.code === "host-key");
  await phases.run("ready", deadlines.readyMs, async (signal) => {
    await Promise.race([ready.line.then(checkReadyLine), ...(plan.readyByLogin ? [login(signal)] : [])]);
  });
  await phases.run("ssh", deadlines.sshMs, async (signal) => void (await login(signal)));
  await phases.run("probe", deadlines.probeMs, async (signal) => {
    await ports.openPlanned();
    await sockets.open();
    for (const socket of plan.sockets) await again(() => probed(socket, parts, phases, signal), signal, (error) => error instanceof NeverMind);
  });
}

/** So often a guest that does not answer is asked within the time it has. */
const triesOfProbe = 4;

/** A failure that no further try will mend. */
class NeverMind extends MachineError {}

/** Asks a socket that says how, and where it fails the guest, why. */
async function probed({ host, probe, whyNot, user }: SocketForward, { connections, plan }: Parts, phases: Phases, signal: AbortSignal): Promise<void> {
  if (probe === undefined) return;
  // A guest whose engine cannot run may take the connection, and never answer.
  const limitMs = plan.deadlines.probeMs / triesOfProbe;
  const limit = within(limitMs, signal);
  try {
    await probeSocket(host, probe, limit);
  } catch (error) {
    phases.because(limit.aborted ? `${probe} on ${host} did not answer within ${limitMs / 1000} s` : messageOf(error));
    if (whyNot === undefined || signal.aborted) throw error;
    const { stdout } = await run(await connections.as(user), whyNot, { signal, timeoutMs: plan.deadlines.sshMs });
    const reason = stdout.trim().split("\n")[0];
    if (reason) throw new NeverMind("podman-api", reason, { stage: "probe", cause: error, hint: `glowplug logs ${plan.name} serial` });
    throw error;
  }
}

/** Connects to the VM: before its first instruction, where it waits for that, or to one that is up. */
export async function attach(vm: Child, { plan, control, console, ready }: Parts, phases: Phases, signal: AbortSignal, isUp = false): Promise<void> {
  const limitMs = plan.deadlines.monitorMs;
  const paths = [...(plan.control.kind === "signal" ? [] : [plan.control.path]), ...(plan.console?.kind === "unix" ? [plan.console.path] : []), ...(plan.ready.kind === "connect" ? [plan.ready.path] : [])];
  if (plan.ready.kind === "listen") await ready.open(plan.ready, isUp);
  await waitListening(paths, { timeoutMs: limitMs, signal, who: vm.name, death: phases.lost });
  if (plan.console) await console.open(plan.console, isUp);
  if (plan.ready.kind === "connect") await ready.open(plan.ready, isUp);
  await control.open(plan.control, limitMs, signal, isUp);
}

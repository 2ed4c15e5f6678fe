import { existsSync, statSync } from "node:fs";
import { formatPort } from "../keeper/expose.ts";
import { checkBase } from "../lifecycle/base-disk.ts";
import { isMachineError, messageOf } from "../errors.ts";
import { isPortFree, portHolder } from "../ports.ts";
import { runProgram } from "../process.ts";
import type { ResolvedPort } from "../model.ts";
import type { Finding, MachineCheck, SickMachine } from "./finding.ts";

const stopped = ({ status }: SickMachine): boolean => status.state === "stopped";

/** What the machine's own processes say of it. */
export const stateCheck: MachineCheck = {
  title: "state",
  look({ record, status }, _patient) {
    const { name } = record;
    const { state, condition, reason = "", keeper, ended, unfinished } = status;
    const findings: Finding[] = [];
    if (condition === "orphaned" && state !== "stopped") findings.push({ id: "orphaned", level: "broken", what: `${name} runs without its keeper: ${reason}`, fix: `glowplug start ${name}` });
    if (condition === "orphaned" && state === "stopped") findings.push({ id: "processes-left", level: "warning", what: `processes of ${name} are left: ${reason}`, fix: `glowplug stop ${name}` });
    if (condition === "broken" && state !== "stopped") findings.push({ id: "keeper-silent", level: "broken", what: `${name}: ${reason}`, fix: `glowplug stop --force ${name}` });
    if (unfinished !== undefined) findings.push({ id: "start-unfinished", level: "broken", what: `the start of ${name} did not get to its end: ${unfinished}`, fix: `glowplug start ${name}` });
    const isUnwell = condition === "degraded" && (unfinished === undefined || keeper?.problems.length !== 0);
    if (isUnwell) findings.push({ id: "degraded", level: "broken", what: `${name} is not well: ${reason}`, fix: `glowplug restart ${name}` });
    if (ended) findings.push({ id: "ended-by-itself", level: "note", what: `${name} went down by itself at ${ended.at}: ${ended.reason}`, fix: `glowplug start ${name}` });
    return { findings, fact: keeper?.phase === undefined ? state : `${state} (${keeper.phase})` };
  },
};

/** Disk, and the image that it stands on. */
export const diskCheck: MachineCheck = {
  title: "disk",
  async look(machine, { run, host }) {
    const { record } = machine;
    const { name, disk } = record;
    if (!existsSync(disk.path)) return { findings: [{ id: "disk-missing", level: "broken", what: `the disk of ${name} is gone: ${disk.path}`, fix: `Put it back, or remove the machine: glowplug rm --force ${name}` }] };
    try {
      await checkBase(record, run);
    } catch (error) {
      const gone = isMachineError(error) && error.code === "not-found";
      return { findings: [{ id: gone ? "base-missing" : "base-damaged", level: "broken", what: messageOf(error), fix: isMachineError(error) && error.hint !== undefined ? error.hint : `glowplug init` }] };
    }
    const program = host.find("qemu-img");
    if (program === undefined || !stopped(machine) || disk.format !== "qcow2") return { findings: [] };
    // 3: clusters that nothing refers to, which waste room and harm nothing; 2: errors (qemu-img(1), "check").
    const { exitCode } = await runProgram(program, ["check", "-q", "-f", disk.format, disk.path], { timeoutMs: 120_000, signal: run.signal });
    if (exitCode === 2) return { findings: [{ id: "disk-errors", level: "broken", what: `the disk of ${name} has errors: ${disk.path}`, fix: `qemu-img check -r all ${disk.path}` }] };
    if (exitCode === 3) return { findings: [{ id: "disk-leaks", level: "note", what: `the disk of ${name} holds room that nothing uses: ${disk.path}`, fix: `qemu-img check -r leaks ${disk.path}` }] };
    return { findings: [] };
  },
};

/** What launcher and forwarder said of its start: that gvproxy runs without a fence, that volumes are slow. */
export const notesCheck: MachineCheck = {
  title: "limits",
  look({ record: { name, last } }) {
    return { findings: (last?.notes ?? []).map((note) => ({ id: "start-note", level: "note", what: `${name}: ${note.replace(/\.$/, "")}`, fix: `Where that can be had here, see to it, then: glowplug restart ${name}` })) };
  },
};

/** The login key: there, and its owner's alone, or OpenSSH refuses it. */
export const keyCheck: MachineCheck = {
  title: "login key",
  look({ record: { name, ssh } }) {
    const facts = statSync(ssh.keyFile, { throwIfNoEntry: false });
    if (!facts) return { findings: [{ id: "key-missing", level: "broken", what: `the login key of ${name} is gone: ${ssh.keyFile}`, fix: `Put it back, or make the machine anew: glowplug rm --force ${name}` }] };
    if ((facts.mode & 0o077) === 0) return { findings: [] };
    return { findings: [{ id: "key-open", level: "broken", what: `others can read the login key of ${name}: ${ssh.keyFile}`, fix: `chmod 600 ${ssh.keyFile}` }] };
  },
};

/** Ports of the host that the next start wants. */
export const portsCheck: MachineCheck = {
  title: "ports",
  applies: stopped,
  async look({ record: { name, spec, ssh } }) {
    const findings: Finding[] = [];
    for (const port of spec.ports) {
      const why = await taken(port);
      if (why !== undefined) findings.push({ id: "port-taken", level: "broken", what: `${formatPort(port)} of ${name} cannot be opened: ${why}`, fix: "End that program, or publish another port" });
    }
    if (!(await isPortFree("127.0.0.1", ssh.port, "tcp"))) {
      findings.push({ id: "ssh-port-taken", level: "note", what: `another program has the ssh port ${ssh.port} of ${name}`, fix: `The next start gives it another: glowplug start ${name}` });
    }
    return { findings };
  },
};

async function taken({ host, hostPort, protocol }: ResolvedPort): Promise<string | undefined> {
  try {
    if (await isPortFree(host, hostPort, protocol)) return undefined;
  } catch (error) {
    return messageOf(error);
  }
  const holder = portHolder(hostPort, protocol);
  return holder ? `${holder.name} (process ${holder.pid}) has it` : "another program has it";
}

/** What the machine's spec names on the host. */
export const specCheck: MachineCheck = {
  title: "spec",
  look({ record: { name, spec } }, { host }) {
    const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)}GiB`;
    return {
      findings: [
        ...(spec.script !== undefined && !existsSync(spec.script)
          ? [{ id: "script-missing", level: "warning" as const, what: `the script that made ${name} is gone: ${spec.script}`, fix: `Put it back, or name its new place: glowplug start --script FILE ${name}` }] : []),
        ...spec.volumes.filter(({ source }) => !existsSync(source)).map(({ source }): Finding => ({ id: "volume-missing", level: "broken", what: `a volume of ${name} is gone: ${source}`, fix: `mkdir -p ${source}` })),
        ...(spec.cpus > host.cpus ? [{ id: "too-many-cpus", level: "broken" as const, what: `${name} wants ${spec.cpus} processors, and the host has ${host.cpus}`, fix: `glowplug set --cpus ${host.cpus} ${name}` }] : []),
        ...(spec.memory > host.memory ? [{ id: "too-much-memory", level: "broken" as const, what: `${name} wants ${gib(spec.memory)} of memory, and the host has ${gib(host.memory)}`, fix: `glowplug set --memory ${Math.floor(host.memory / 2 ** 21)} ${name}` }] : []),
      ],
    };
  },
};

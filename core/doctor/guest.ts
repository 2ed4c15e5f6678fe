import { messageOf } from "../errors.ts";
import { hostCertificates } from "../host-certificates.ts";
import { within } from "../limit.ts";
import type { HostFacts, Share } from "../model.ts";
import type { SavedSpec } from "../spec-types.ts";
import { probeSocket } from "../keeper/probe.ts";
import { keeperShell } from "../keeper/client.ts";
import { certificateQuestion } from "./certificate-question.ts";
import type { Finding, MachineCheck, SickMachine, Verdict } from "./finding.ts";

const running = ({ status }: SickMachine): boolean => status.state === "running" && status.keeper !== undefined;
/** How long the guest may take for an answer. */
const timeoutMs = 15_000;
/** Seconds by which its clock may be off: a login by one-time password fails at 30. */
const mostSeconds = 5;

/** All that is to be known of the guest, asked at once: a line for each answer. */
const questions = {
  clock: "date +%s.%N",
  zone: "readlink /etc/localtime || cat /etc/timezone",
  disk: "df -P / | tail -n 1",
  failed: "systemctl --failed --no-legend --plain | cut -d ' ' -f 1",
  mounts: "cut -d ' ' -f 2 /proc/mounts",
  proxies: "sh -lc env | cut -d = -f 1 | grep -iE '^(https?|ftp|all)_proxy$'",
} as const;
type Answers = Readonly<Record<keyof typeof questions | "certificates", string>>;

function scriptOf(asked: Answers): string {
  return Object.values(asked).map((question) => `printf '%s\\n' "$( { ${question}; } 2> /dev/null | tr '\\n' ' ')"`).join("\n");
}

/** What the guest says of itself: whether ssh gets in, its clock, its time zone, its disk, its units. */
export const guestCheck: MachineCheck = {
  title: "guest",
  applies: running,
  async look({ record: { name, spec } }, { run: { paths, signal }, host }): Promise<Verdict> {
    const certificates = spec.importNativeCa ? await hostCertificates(host).catch(() => []) : [];
    const asked: Answers = { ...questions, certificates: certificateQuestion(certificates) };
    const before = Date.now() / 1000;
    try {
      const { stdout } = await keeperShell(paths.machine(name).keeperSocket).exec(["/bin/sh", "-c", scriptOf(asked)], { timeoutMs, signal });
      return { findings: guestFindings(stdout, { name, spec, host, before, after: Date.now() / 1000, certificates: certificates.length }) };
    } catch (error) {
      return { findings: [{ id: "ssh-refused", level: "broken", what: `ssh does not get into ${name}: ${messageOf(error)}`, fix: `glowplug logs ${name} serial; glowplug restart ${name}` }] };
    }
  },
};

/** What the guest was asked about. */
export interface Asked {
  readonly name: string;
  readonly spec: Pick<SavedSpec, "timezone" | "volumes" | "proxy">;
  readonly host: Pick<HostFacts, "env">;
  /** The host's clock, in seconds, when it was asked and when it had answered. */
  readonly before: number;
  readonly after: number;
  /** How many certificates of the host it was asked about. */
  readonly certificates: number;
}

/** Reads the guest's answers, a line each. It is not trusted: nothing of what it says stands in a command that is to be typed, but names of units. */
export function guestFindings(said: string, { name, spec, host, before, after, certificates }: Asked): readonly Finding[] {
  const [clock = "", zone = "", disk = "", failed = "", mounts = "", proxies = "", untrusted = ""] = said.split("\n").map((line) => line.trim());
  return [
    ...clockFindings(name, Number.parseFloat(clock), before, after), ...zoneFindings(name, zone, spec.timezone), ...diskFindings(name, disk), ...unitFindings(name, failed),
    ...mountFindings(name, mounts, spec.volumes), ...(spec.proxy ? proxyFindings(name, proxies, host.env) : []), ...certificateFindings(name, Number(untrusted), certificates),
  ];
}

function clockFindings(name: string, said: number, before: number, after: number): Finding[] {
  const off = !Number.isFinite(said) ? 0 : said < before ? said - before : said > after ? said - after : 0;
  if (Math.abs(off) <= mostSeconds) return [];
  return [{ id: "clock-off", level: "broken", what: `the clock of ${name} is ${Math.abs(off).toFixed(0)} s ${off < 0 ? "behind" : "ahead"}`, fix: `glowplug ssh ${name} sudo date -s @$(date +%s)` }];
}

function zoneFindings(name: string, said: string, wanted: string): Finding[] {
  const zone = said.replace(/^.*\/zoneinfo\//, "");
  if (zone === "" || zone === wanted || (isUtc(zone) && isUtc(wanted))) return [];
  return [{ id: "timezone-differs", level: "note", what: `${name} is in the time zone ${zone}, and its spec says ${wanted}`, fix: `glowplug ssh ${name} sudo ln -sfn /usr/share/zoneinfo/${wanted} /etc/localtime` }];
}

function isUtc(zone: string): boolean {
  return /^(Etc\/)?(UTC|UCT|Universal|Zulu|GMT)$/.test(zone);
}

function diskFindings(name: string, line: string): Finding[] {
  const used = Number(/(\d+)%/.exec(line)?.[1] ?? 0);
  if (used < 95) return [];
  return [{ id: "guest-disk-full", level: "warning", what: `the disk in ${name} is full by ${used} %`, fix: `glowplug ssh ${name} podman system prune; or a larger one: glowplug set --disk-size GIB ${name}` }];
}

function unitFindings(name: string, line: string): Finding[] {
  if (line === "") return [];
  const units = line.split(" ").filter((unit) => /^[A-Za-z\d][A-Za-z\d:_.@-]*\.[a-z]+$/.test(unit));
  return [{ id: "units-failed", level: "warning", what: `units have failed in ${name}: ${line}`, fix: `glowplug ssh ${name} systemctl ${units.length > 0 ? `status ${units.join(" ")}` : "--failed"}` }];
}

/** /proc/mounts writes blanks as octal numbers (proc_mounts(5)). */
function mountFindings(name: string, said: string, volumes: readonly Required<Share>[]): Finding[] {
  if (said === "") return [];
  const there = said.split(" ").map((target) => target.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))));
  return volumes.filter(({ target }) => !there.includes(target))
    .map(({ target }) => ({ id: "volume-not-mounted", level: "broken", what: `${target} is a volume of ${name}, and is not mounted in the guest`, fix: `glowplug restart ${name}` }));
}

function proxyFindings(name: string, said: string, env: HostFacts["env"]): Finding[] {
  const onHost = Object.entries(env).some(([variable, value]) => /^(https?|ftp|all)_proxy$/i.test(variable) && value);
  if (onHost === (said !== "")) return [];
  const what = onHost ? `the host goes through a proxy, and ${name} knows of none` : `${name} goes through a proxy, and the host does so no more`;
  return [{ id: onHost ? "proxy-not-given" : "proxy-left", level: "warning", what, fix: `glowplug restart ${name}` }];
}

function certificateFindings(name: string, untrusted: number, all: number): Finding[] {
  if (!Number.isInteger(untrusted) || untrusted < 1 || untrusted > all) return [];
  return [{ id: "ca-not-trusted", level: "warning", what: `${untrusted} of the ${all} certificates that were added on the host ${untrusted === 1 ? "is" : "are"} not trusted in ${name}`, fix: `glowplug restart ${name}` }];
}

/** The sockets of the host that lead into the guest. */
export const socketsCheck: MachineCheck = {
  title: "sockets",
  applies: running,
  async look({ record: { name, spec }, status }, { run: { paths, signal } }) {
    const api = paths.machine(name).apiSocket;
    if (!spec.podman || !status.keeper?.sockets.includes(api)) return { findings: [] };
    try {
      await probeSocket(api, "/_ping", within(timeoutMs, signal));
      return { findings: [], fact: api };
    } catch (error) {
      return { findings: [{ id: "api-silent", level: "broken", what: `podman's API of ${name} does not answer: ${messageOf(error)}`, fix: `glowplug ssh ${name} sudo systemctl restart podman.socket; glowplug restart ${name}` }] };
    }
  },
};

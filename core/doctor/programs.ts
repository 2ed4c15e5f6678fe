import { isMachineError, messageOf } from "../errors.ts";
import { fine, type Finding, type HostCheck, type Verdict } from "./finding.ts";

/** Whether this host can run the launcher that machines have by default: its program, its version, the guest's firmware. */
export const launcherCheck: HostCheck = {
  title: "hypervisor",
  async look({ launcher, host }) {
    try {
      await launcher.check(host);
      return fine(launcher.name);
    } catch (error) {
      return { findings: [unfit(`hypervisor-${codeOf(error)}`, "broken", error, `Install what ${launcher.name} needs.`)] };
    }
  },
};

/** The first forwarder that runs here is what a new machine gets. */
export const forwarderCheck: HostCheck = {
  title: "network",
  async look({ forwarders, host }) {
    const findings: Finding[] = [];
    for (const forwarder of forwarders) {
      try {
        await forwarder.check(host);
      } catch (error) {
        findings.push(unfit(`forwarder-${codeOf(error)}`, "note", error, `Install what ${forwarder.name} needs.`));
        continue;
      }
      return { fact: forwarder.name, findings: findings.map((finding) => ({ ...finding, what: `${finding.what}, so new machines get ${forwarder.name}` })) };
    }
    return { findings: findings.map((finding) => ({ ...finding, level: "broken" as const })) };
  },
};

/** Programs of the host that verbs run. */
export const toolsCheck: HostCheck = {
  title: "programs",
  look({ host }) {
    const findings: Finding[] = [
      ...(host.find("qemu-img") === undefined
        ? [{ id: "qemu-img-missing", level: "broken" as const, what: "qemu-img is not installed, so no disk can be made", fix: "Install it: the package is qemu-utils on Debian, qemu-img on Fedora, qemu with Homebrew" }] : []),
      ...(host.find("ssh") === undefined
        ? [{ id: "ssh-client-missing", level: "note" as const, what: "OpenSSH's client is not installed; `glowplug ssh` does without it, `ssh -F` cannot", fix: "Install it: the package is openssh-client on Debian, openssh-clients on Fedora" }] : []),
    ];
    return { findings } satisfies Verdict;
  },
};

function unfit(id: string, level: Finding["level"], error: unknown, otherwise: string): Finding {
  return { id, level, what: messageOf(error), fix: isMachineError(error) && error.hint !== undefined ? error.hint : otherwise };
}

function codeOf(error: unknown): string {
  return isMachineError(error) ? error.code : "failed";
}

import { failedAccelerators, failuresFile } from "../lifecycle/accelerator.ts";
import { fine, type Finding, type HostCheck, type MachineCheck } from "./finding.ts";

const software = "tcg";

/** What guests run under, probed and not believed from a device file. */
export const accelerationCheck: HostCheck = {
  title: "acceleration",
  async look({ launcher, host, run }) {
    const all = await launcher.accelerators(host, host.arch);
    const failed = failedAccelerators(run);
    const usable = all.filter((one) => one.usable && failed[one.name] === undefined);
    const findings: Finding[] = [];
    const hardware = all.filter(({ name }) => name !== software);
    if (hardware.length > 0 && !usable.some(({ name }) => name !== software)) {
      findings.push({
        id: "software-emulation", level: "warning", what: `guests run in software, some ten times slower: ${hardware.map(({ name, reason }) => `${name}: ${failed[name] ?? reason ?? "not usable"}`).join("; ")}`,
        fix: hardware.some(({ reason = "" }) => /permission/i.test(reason)) ? "Let your user open /dev/kvm: sudo usermod -aG kvm $USER, then log in again" : "Switch virtualization on in the firmware, or run on a host that has it",
      });
    }
    for (const [name, reason] of Object.entries(failed)) {
      findings.push({ id: "accelerator-failed", level: "note", what: `${name} is not tried until the host boots again: ${reason}`, fix: `rm ${failuresFile(run)}` });
    }
    if (all.every(({ usable: can }) => !can)) findings.push({ id: "no-accelerator", level: "broken", what: `${launcher.name} has nothing to run a guest with`, fix: "Install a QEMU that has tcg, or choose another launcher" });
    return { findings, ...(usable[0] && { fact: usable[0].name }) };
  },
};

/** What a machine was started with, against what the host could give it now. */
export const effectiveAcceleratorCheck: MachineCheck = {
  title: "acceleration",
  applies: ({ record, status }) => status.state === "running" && record.last !== undefined,
  async look({ record, status }, { launcher, host, run }) {
    const effective = status.keeper?.accelerator ?? record.last?.accelerator ?? "";
    const best = (await launcher.accelerators(host, host.arch)).find(({ name, usable }) => usable && failedAccelerators(run)[name] === undefined)?.name;
    if (effective !== software || best === undefined || best === software) return fine(effective);
    return { fact: effective, findings: [{ id: "runs-in-software", level: "warning", what: `${record.name} runs under ${effective}, and ${best} works here`, fix: `glowplug restart ${record.name}` }] };
  },
};

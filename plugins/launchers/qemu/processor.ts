import type { AskedProcessor } from "glowplug";

/** Properties of a processor in QEMU's words that are no features of its own: they say how it is made up or shown (target/i386/cpu.c). */
const settings = /^(check|enforce|migratable|pmu|host-|l3-cache|x-|kvm|hv-|xen-|tcg-|vmware-|legacy-|fill-mtrr|full-|cpuid-|min-|lmce|tsc-frequency)/;
/** Features that Linux calls otherwise, without their punctuation. */
const linuxWords: Readonly<Record<string, string>> = { invtsc: "nonstop_tsc", "spec-ctrl": "ibrs", "amd-ssbd": "ssbd" };

/** What a command line asks of the processor: its last -cpu, "Nehalem,+aes,avx=on". */
export function processorOf(argv: readonly string[]): AskedProcessor | undefined {
  const value = argv[argv.lastIndexOf("-cpu") + 1];
  if (!argv.includes("-cpu") || value === undefined) return undefined;
  const [model = "", ...properties] = value.split(",");
  const features = properties.flatMap((property) => /^\+(.+)$/.exec(property)?.[1] ?? /^([^=]+)=on$/.exec(property)?.[1] ?? []).filter((feature) => !settings.test(feature));
  return { model, features: features.map((feature) => linuxWords[feature] ?? feature), isHosts: model === "host" };
}

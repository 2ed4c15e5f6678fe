import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileDurably } from "../atomic.ts";
import { MachineError } from "../errors.ts";
import { bootId } from "../process-identity.ts";
import type { Accelerator } from "../roles/launcher.ts";
import type { Run } from "../run.ts";
import { callPlugin } from "../spans.ts";
import type { ResolvedSpec } from "../spec-types.ts";

/** What earlier starts learned about this boot of the host. */
interface Findings {
  readonly bootId: string;
  readonly failed: Readonly<Record<string, string>>;
}

/** The host's accelerators, with those that failed since the host booted marked unusable. Throws "unsupported-host" when none is left. */
export async function acceleratorsOf(spec: ResolvedSpec, run: Run): Promise<readonly Accelerator[]> {
  const failed = failedAccelerators(run);
  const all = (await callPlugin(run.trace, spec.launcher, "accelerators", run.host, run.host.arch)).map((one) => {
    const reason = failed[one.name];
    return one.usable && reason !== undefined ? { ...one, usable: false, reason } : one;
  });
  if (all.some(({ usable }) => usable)) return all;
  throw new MachineError("unsupported-host", `${spec.launcher.name} has no accelerator that works here`, {
    plugin: spec.launcher.name, details: all.map(({ name, reason }) => `${name}: ${reason ?? "not usable"}`),
    hint: "Choose another launcher, or allow software emulation.",
  });
}

/**
 * The accelerators to try, in order. The last is tried twice: under software emulation a guest now and then hangs before
 * its first byte (about one boot in 25, seen with QEMU 7.2), and a second try is what a user would do.
 */
export function attempts(all: readonly Accelerator[]): readonly string[] {
  const usable = all.filter((one) => one.usable).map(({ name }) => name);
  return [...usable, ...usable.slice(-1)];
}

/** Remembers, until the host boots again, that guests do not come to life under an accelerator. */
export async function rememberFailure(name: string, reason: string, run: Run): Promise<void> {
  const before = findings(run);
  await writeFileDurably(failuresFile(run), JSON.stringify({ bootId: before.bootId, failed: { ...before.failed, [name]: reason } }));
}

/** Accelerators under which guests did not come to life since this host booted, with the reason. */
export function failedAccelerators(run: Run): Readonly<Record<string, string>> {
  return run.host.local ? findings(run).failed : {};
}

function findings(run: Run): Findings {
  const now = bootId();
  try {
    const read = JSON.parse(readFileSync(failuresFile(run), "utf8")) as Findings;
    if (read.bootId === now) return read;
  } catch {
    // None yet.
  }
  return { bootId: now, failed: {} };
}

/** Where they are kept. */
export function failuresFile(run: Run): string {
  return join(run.paths.cache, "accelerators.json");
}

import assert from "node:assert/strict";
import { isMachineError, type HostFacts } from "glowplug";
import { foreignHost } from "../../core/host.ts";
import { hostOf } from "../fixtures/hosts.ts";

/** A host by its facts, or by its name: "linux/arm64". */
export type NamedHost = string | HostFacts;

/** Where a plugin is asked to work unless it says otherwise. */
const usual: readonly string[] = ["linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"];

/** Hosts that are elsewhere: every program and file is there by its name, and none can be asked. */
export function namedHosts(hosts: readonly NamedHost[] = usual): readonly { readonly name: string; readonly host: HostFacts }[] {
  return hosts.map((host) => (typeof host === "string" ? { name: host, host: foreignHost(host) } : { name: `${host.os}/${host.arch}`, host }));
}

/** The hosts that a plugin's `check` accepts. Throws where it accepts none, or refuses one without a reason for the user. */
export async function acceptedHosts(plugin: { readonly name: string; check(host: HostFacts): Promise<void> | void }, hosts?: readonly NamedHost[]): Promise<readonly { readonly name: string; readonly host: HostFacts }[]> {
  const refusals: string[] = [];
  const accepted = [];
  for (const named of namedHosts(hosts)) {
    const refusal = await refusalOf(plugin, named.host, named.name);
    if (refusal === undefined) accepted.push(named);
    else refusals.push(`${named.name}: ${refusal}`);
  }
  assert.ok(accepted.length > 0, `${plugin.name} accepts none of the hosts: ${refusals.join("; ")}`);
  return accepted;
}

/** Hosts of which nothing is there: no program, no file. */
export const emptyHosts: readonly { readonly name: string; readonly host: HostFacts }[] = usual.map((name) => ({ name: `an empty ${name} host`, host: hostOf(name) }));

/** Why `check` refuses a host; undefined where it accepts it. Throws for a refusal that is no MachineError. */
export async function refusalOf(plugin: { readonly name: string; check(host: HostFacts): Promise<void> | void }, host: HostFacts, name: string): Promise<string | undefined> {
  try {
    await plugin.check(host);
    return undefined;
  } catch (error) {
    assert.ok(isMachineError(error), `${plugin.name} refuses ${name}: expected a MachineError, found ${String(error)}`);
    assert.match(error.code, /^(missing-program|old-program|unsupported-host)$/, `${plugin.name} refuses ${name}: expected the code missing-program, old-program or unsupported-host, found ${error.code}`);
    assert.ok(error.hint, `${plugin.name} refuses ${name}: expected a hint on what to do about "${error.message}", found none`);
    return error.message;
  }
}

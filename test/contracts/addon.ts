import assert from "node:assert/strict";
import { GuestDraft, type HostFacts, type IgnitionEvent, type Plugin } from "glowplug";
import { checkPlugin } from "../../core/plugin-check.ts";
import { check, type ContractCheck } from "./check.ts";
import { namedHosts, type NamedHost } from "./hosts.ts";
import { inSandbox, withoutEffects, type Sandbox } from "./sandbox.ts";

export interface AddonContractOptions {
  /** Where the plugin is used. Default: Linux and macOS, each on amd64 and arm64. */
  readonly hosts?: readonly NamedHost[];
}

/** What every plugin that fills no slot promises. What it does in the guest is for `testMachine` to show. */
export function addonContract(make: () => Plugin, { hosts }: AddonContractOptions = {}): readonly ContractCheck[] {
  const onEachHost = (work: (plugin: Plugin, host: HostFacts, where: string, sandbox: Sandbox) => Promise<void> | void) => async (): Promise<void> => {
    for (const { name, host } of namedHosts(hosts)) await inSandbox((sandbox) => work(make(), host, `${make().name} on ${name}`, sandbox));
  };
  return [
    check("has the shape of a plugin", () => assert.deepEqual(checkPlugin(make(), "plugin"), [])),
    check("says the same of a guest each time, whichever instance is asked", onEachHost(async (plugin, host, where, sandbox) => {
      const first = await drafted(plugin, host, sandbox);
      assert.deepEqual(await drafted(plugin, host, sandbox), first, `${where}: a second guest differs`);
      assert.deepEqual(await drafted(make(), host, sandbox), first, `${where}: the guest of another instance differs`);
    })),
    check("drafts a guest without writing, starting or listening, since `plan` does so too", onEachHost(async (plugin, host, where, sandbox) => {
      await withoutEffects(sandbox, `ignition of ${where}`, () => drafted(plugin, host, sandbox));
    })),
  ];
}

/** Everything that a plugin puts into a guest. */
async function drafted(plugin: Plugin, host: HostFacts, { data, runtime }: Sandbox): Promise<unknown> {
  const guest = new GuestDraft({ hostname: "contract", ready: { kind: "virtio-port", name: "contract.ready" } });
  const event: IgnitionEvent = {
    guest, host, signal: new AbortController().signal, log() {},
    machine: {
      name: "contract", user: "core", uid: 1000, rootful: false, ssh: { host: "127.0.0.1", port: 40022, keyFile: `${data}/id_ed25519`, hostKey: "ssh-ed25519 AAAA" },
      apiSocket: `${runtime}/podman.sock`, folders: { data, runtime },
    },
  };
  await plugin.ignition?.(event);
  const { users, files, folders, links, units, packages, commands, mounts, readyUnits } = guest;
  return structuredClone({ users, files, folders, links, units, packages, commands, mounts, readyUnits });
}

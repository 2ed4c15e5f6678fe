import assert from "node:assert/strict";
import { isMachineError, type Forwarder, type HostFacts, type NetInput, type NetPlan, type ResolvedPort } from "glowplug";
import { socketPathLimit } from "../../core/paths.ts";
import { checkPlugin } from "../../core/plugin-check.ts";
import { check, type ContractCheck } from "./check.ts";
import { acceptedHosts, emptyHosts, refusalOf, type NamedHost } from "./hosts.ts";
import { checkedCommand, plain } from "./plain.ts";
import { inSandbox, withoutEffects, type Sandbox } from "./sandbox.ts";
import { checkInside, checkWords, linkKinds } from "./words.ts";

export interface ForwarderContractOptions {
  /** Where the forwarder plans; at least one must be accepted by its `check`. Default: Linux and macOS, each on amd64 and arm64. */
  readonly hosts?: readonly NamedHost[];
}

/** What every forwarder promises. `make` is called for each check. */
export function forwarderContract(make: () => Forwarder, { hosts }: ForwarderContractOptions = {}): readonly ContractCheck[] {
  const onEachHost = (work: (forwarder: Forwarder, input: NetInput, where: string, sandbox: Sandbox) => Promise<void> | void) => async (): Promise<void> => {
    for (const { name, host } of await acceptedHosts(make(), hosts)) {
      for (const link of make().links) {
        await inSandbox(async (sandbox) => {
          const forwarder = make();
          await work(forwarder, { ...netInput(host, sandbox), link }, `${forwarder.name} on ${name} with ${link}`, sandbox);
        });
      }
    }
  };
  return [
    check("has the shape of a forwarder", () => assert.deepEqual(checkPlugin(make(), "forwarder", "forwarder"), [])),
    check("declares what it can do, in words that the core knows", () => {
      checkWords(make().links, linkKinds, "links");
      assert.equal(typeof make().runtimePorts, "boolean", "runtimePorts: expected true or false");
    }),
    check("refuses a host without its program, or needs none", async () => {
      for (const { name, host } of emptyHosts) {
        if ((await refusalOf(make(), host, name)) !== undefined) continue;
        await inSandbox(async (sandbox) => {
          for (const link of make().links) assert.equal((await make().plan({ ...netInput(host, sandbox), link })).command, undefined, `${make().name} accepts ${name} and yet plans a command there`);
        });
      }
    }),
    check("plans a link of the kind that was asked for, and ssh at the port that was asked for", onEachHost(async (forwarder, input, where) => {
      checkPlan(await forwarder.plan(input), input, where);
    })),
    check("opens the ports of the spec, or leaves them to be opened", onEachHost(async (forwarder, input, where) => {
      const plan = await forwarder.plan({ ...input, ports });
      for (const port of plan.openAtStart) assert.ok(ports.some((asked) => JSON.stringify(asked) === JSON.stringify(port)), `${where}: openAtStart holds a port that nobody asked for: ${JSON.stringify(port)}`);
      if (!forwarder.runtimePorts) assert.equal(plan.openAtStart.length, ports.length, `${where}: it opens no port at run time, so all must be open at the start`);
      checkExpose(plan, where);
    })),
    check("plans the same for the same input, whichever instance is asked", onEachHost(async (forwarder, input, where) => {
      const asked = { ...input, ports };
      const first = plain(await forwarder.plan(asked), "plan");
      assert.deepEqual(plain(await forwarder.plan(asked), "plan"), first, `${where}: a second plan differs`);
      assert.deepEqual(plain(await make().plan(asked), "plan"), first, `${where}: the plan of another instance differs`);
    })),
    check("plans without writing, starting or listening, and leaves its input alone", onEachHost(async (forwarder, input, where, sandbox) => {
      const asked = Object.freeze({ ...input, folders: Object.freeze({ ...input.folders }), ports: Object.freeze(ports.map((port) => Object.freeze({ ...port }))) });
      await withoutEffects(sandbox, `plan() of ${where}`, () => forwarder.plan(asked));
    })),
    check("plans plain data that survives JSON", onEachHost(async (forwarder, input) => {
      const found = plain(await forwarder.plan({ ...input, ports }), "plan");
      assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
    })),
    check("keeps its sockets in the runtime folder", onEachHost(async (forwarder, input, where) => {
      for (const path of socketsOf(await forwarder.plan(input))) checkInside(path, [input.folders.runtime], `${where}: a socket`);
    })),
    check(`makes no socket whose path is longer than ${socketPathLimit} bytes, and says so where the folder is too deep`, onEachHost(async (forwarder, input, where) => {
      const runtime = `/${"r".repeat(socketPathLimit - 4)}`;
      const plan = await Promise.resolve().then(() => forwarder.plan({ ...input, folders: { ...input.folders, runtime } })).catch((error: unknown) => {
        assert.ok(isMachineError(error) && error.code === "host-limits", `${where}: expected MachineError "host-limits" for a folder that is too deep, found ${String(error)}`);
      });
      for (const path of plan ? socketsOf(plan) : []) assert.ok(Buffer.byteLength(path) <= socketPathLimit, `${where}: the socket path ${path} is too long; socketPath() checks it`);
    })),
  ];
}

const ports: readonly ResolvedPort[] = [
  { host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" }, { host: "0.0.0.0", hostPort: 8443, guestPort: 443, protocol: "tcp" },
  { host: "127.0.0.1", hostPort: 5353, guestPort: 53, protocol: "udp" },
];

function netInput(host: HostFacts, { data, runtime }: Sandbox): Omit<NetInput, "link"> {
  return { name: "contract", host, mac: "52:54:00:12:34:56", sshPort: 40022, ports: [], guestPorts: "any", folders: { data, runtime } };
}

function checkPlan(plan: NetPlan, { link, sshPort }: NetInput, where: string): void {
  if (plan.command) checkedCommand(plan.command, `${where}: command`);
  assert.equal(plan.link.kind, link, `${where}: kind of the link`);
  // The lowest two bits of the first byte: group addresses are no card's.
  assert.match(plan.link.mac, /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, `${where}: expected the address of one card, found ${plan.link.mac}`);
  assert.deepEqual(plan.ssh, { host: "127.0.0.1", port: sshPort }, `${where}: where ssh answers`);
  if (plan.link.kind === "user") {
    const forward = plan.link.forwards.find(({ hostPort, guestPort }) => hostPort === sshPort && guestPort === 22);
    assert.equal(forward?.host, "127.0.0.1", `${where}: the link forwards the ssh port on the loopback`);
  } else if (plan.command) {
    assert.ok(plan.listens.includes(plan.link.path), `${where}: expected the link ${plan.link.path} among the sockets that must listen before the VM`);
  }
  for (const [name, address] of Object.entries(plan.names)) assert.match(`${name} ${address}`, /^[\w.-]+ [0-9a-f.:]+$/i, `${where}: names`);
  for (const note of plan.notes) assert.equal(typeof note, "string", `${where}: a note`);
}

/** Only four words are filled in. */
function checkExpose({ expose }: NetPlan, where: string): void {
  assert.match(expose.kind, /^(http|monitor|ssh)$/, `${where}: expose.kind`);
  for (const [, word = ""] of JSON.stringify(expose).matchAll(/\{(\w+)\}/g)) {
    assert.match(word, /^(protocol|host|hostPort|guestPort)$/, `${where}: expose: {${word}} is filled in by nobody`);
  }
}

function socketsOf({ listens, link, expose }: NetPlan): readonly string[] {
  return [...listens, ...(link.kind === "user" ? [] : [link.path]), ...(expose.kind === "http" ? [expose.socket] : [])];
}

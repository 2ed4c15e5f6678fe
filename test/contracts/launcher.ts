import assert from "node:assert/strict";
import { join } from "node:path";
import { isMachineError, type BootInput, type BootPlan, type HostFacts, type Launcher, type LinkKind, type NetLink } from "glowplug";
import { socketPathLimit } from "../../core/paths.ts";
import { checkPlugin } from "../../core/plugin-check.ts";
import { check, type ContractCheck } from "./check.ts";
import { acceptedHosts, emptyHosts, refusalOf, type NamedHost } from "./hosts.ts";
import { checkedCommand, plain } from "./plain.ts";
import { inSandbox, withoutEffects, type Sandbox } from "./sandbox.ts";
import { checkInside, checkWords, diskFormats, linkKinds, seedKinds, shareKinds } from "./words.ts";

export interface LauncherContractOptions {
  /** Where the launcher plans; at least one must be accepted by its `check`. Default: Linux and macOS, each on amd64 and arm64. */
  readonly hosts?: readonly NamedHost[];
}

/** What every launcher promises. `make` is called for each check. */
export function launcherContract(make: () => Launcher, { hosts }: LauncherContractOptions = {}): readonly ContractCheck[] {
  const onEachHost = (work: (launcher: Launcher, input: BootInput, where: string, sandbox: Sandbox) => Promise<void> | void) => async (): Promise<void> => {
    for (const { name, host } of await acceptedHosts(make(), hosts)) {
      await inSandbox(async (sandbox) => {
        const launcher = make();
        await work(launcher, await bootInput(launcher, host, sandbox), `${launcher.name} on ${name}`, sandbox);
      });
    }
  };
  return [
    check("has the shape of a launcher", () => assert.deepEqual(checkPlugin(make(), "launcher", "launcher"), [])),
    check("declares what it can do, in words that the core knows", () => {
      const launcher = make();
      checkWords(launcher.platforms, undefined, "platforms");
      checkWords(launcher.formats, diskFormats, "formats");
      checkWords(launcher.seeds, seedKinds, "seeds");
      checkWords(launcher.links, linkKinds, "links");
      checkWords(launcher.shares, shareKinds, "shares", 0);
      for (const ability of ["suspend", "hotplug"] as const) assert.equal(typeof launcher.abilities[ability], "boolean", `abilities.${ability}: expected true or false`);
      const { ready } = launcher;
      assert.ok(ready.kind === "vsock" ? ready.port > 0 : ready.kind === "virtio-port" && ready.name !== "", `ready: expected a virtio-port with a name or a vsock with a port, found ${JSON.stringify(ready)}`);
    }),
    check("refuses a host that has none of its programs", async () => {
      for (const { name, host } of emptyHosts) assert.notEqual(await refusalOf(make(), host, name), undefined, `${make().name} accepts ${name}`);
    }),
    check("lists a host's accelerators, with a reason for each that cannot be used", onEachHost(async (launcher, { host, arch }, where) => {
      const found = await launcher.accelerators(host, arch);
      checkWords(found.map(({ name }) => name), undefined, `${where}: accelerators`);
      for (const { name, usable, reason } of found) assert.ok(usable || reason, `${where}: accelerator ${name}: expected a reason why it cannot be used`);
      assert.ok(found.some(({ usable }) => usable), `${where}: expected an accelerator that can be used on a host that is accepted`);
      assert.deepEqual(await launcher.accelerators(host, arch), found, `${where}: accelerators differ when they are asked for again`);
    })),
    check("plans a VM that has its disk, its seed, its network card and its ready port", onEachHost(async (launcher, input, where) => {
      for (const [what, one] of variants(launcher, input)) checkPlan(await launcher.plan(one), one, launcher, `${where}, ${what}`);
    })),
    check("plans the same for the same input, whichever instance is asked", onEachHost(async (launcher, input, where) => {
      const first = plain(await launcher.plan(input), "plan");
      assert.deepEqual(plain(await launcher.plan(input), "plan"), first, `${where}: a second plan differs`);
      assert.deepEqual(plain(await make().plan(input), "plan"), first, `${where}: the plan of another instance differs`);
    })),
    check("plans without writing, starting or listening, and leaves its input alone", onEachHost(async (launcher, input, where, sandbox) => {
      await withoutEffects(sandbox, `plan() of ${where}`, () => launcher.plan(frozen(input)));
    })),
    check("plans plain data that survives JSON", onEachHost(async (launcher, input) => {
      const found = plain(await launcher.plan(input), "plan");
      assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
    })),
    check("keeps sockets in the runtime folder and files in the machine's folders", onEachHost(async (launcher, input, where) => {
      const { runtime, data } = input.folders;
      const plan = await launcher.plan(input);
      for (const path of socketsOf(plan)) checkInside(path, [runtime], `${where}: a socket`);
      for (const { path } of plan.files) checkInside(path, [data, runtime], `${where}: a planned file`);
    })),
    check(`makes no socket whose path is longer than ${socketPathLimit} bytes, and says so where the folder is too deep`, onEachHost(async (launcher, input, where) => {
      const runtime = `/${"r".repeat(socketPathLimit - 4)}`;
      const plan = await Promise.resolve().then(() => launcher.plan({ ...input, folders: { ...input.folders, runtime } })).catch((error: unknown) => {
        assert.ok(isMachineError(error) && error.code === "host-limits", `${where}: expected MachineError "host-limits" for a folder that is too deep, found ${String(error)}`);
      });
      for (const path of plan ? socketsOf(plan) : []) assert.ok(Buffer.byteLength(path) <= socketPathLimit, `${where}: the socket path ${path} is too long; socketPath() checks it`);
    })),
    check("has a second card for the shared network where it declares that it can", onEachHost(async (launcher, input, where) => {
      if (launcher.abilities.lan !== true) return;
      const lan = { kind: "unix-stream", mac: "02:00:00:00:00:0a", path: join(input.folders.runtime, "lan.sock") } as const;
      const plan = await launcher.plan({ ...input, lan });
      for (const word of [lan.mac, lan.path]) assert.ok(plan.vm.toString().includes(word), `${where}: the VM's command does not name ${word}`);
    })),
    check("hands USB devices to the guest where it declares that it can", onEachHost(async (launcher, input, where) => {
      if (launcher.abilities.usb !== true) return;
      const [without, place, model] = await Promise.all([[], ["bus=3,devnum=7"], ["vendor=1d6b,product=0002"]].map(async (usb) => (await launcher.plan({ ...input, usb })).vm.toString()));
      assert.notEqual(place, without, `${where}: a device by its place changes nothing`);
      assert.notEqual(model, without, `${where}: a device by its model changes nothing`);
    })),
    check("hands on every shared folder under a name of its own", onEachHost(async (launcher, input, where) => {
      if (launcher.shares.length === 0) return;
      const shares = [{ source: "/srv/a", target: "/a", readOnly: false }, { source: "/srv/b", target: "/b", readOnly: true }];
      const { mounts, vm, helpers } = await launcher.plan({ ...input, shares });
      assert.deepEqual(mounts.map(({ share }) => share), shares, `${where}: mounts`);
      checkWords(mounts.map(({ tag }) => tag), undefined, `${where}: tags of mounts`);
      for (const { kind } of mounts) checkWords([kind], launcher.shares, `${where}: kind of a mount`);
      const lines = [vm, ...helpers.map(({ command }) => command)].join("\n");
      for (const { source } of shares) assert.ok(lines.includes(source), `${where}: no command names the shared folder ${source}`);
    })),
  ];
}

const mac = "52:54:00:12:34:56";
const sshForward = { host: "127.0.0.1", hostPort: 40022, guestPort: 22, protocol: "tcp" } as const;

async function bootInput(launcher: Launcher, host: HostFacts, { data, runtime, disk, seed }: Sandbox): Promise<BootInput> {
  const accelerator = (await launcher.accelerators(host, host.arch)).find(({ usable }) => usable)?.name ?? "";
  return {
    name: "contract", host, arch: host.arch, cpus: 2, memory: 2 ** 30, disk: { path: disk, format: launcher.formats[0] ?? "qcow2" },
    seed: { kind: launcher.seeds[0] ?? "ignition", path: seed }, firstBoot: true, link: linkOf(launcher.links[0] ?? "user", runtime), shares: [], guestUid: 1000, accelerator, usb: [],
    folders: { data, runtime },
  };
}

function linkOf(kind: LinkKind, runtime: string): NetLink {
  return kind === "user" ? { kind, mac, forwards: [sshForward] } : { kind, mac, path: join(runtime, "net/vm.sock") };
}

/** Each thing that a launcher declares, one after the other. */
function variants({ formats, seeds, links }: Launcher, input: BootInput): readonly (readonly [what: string, input: BootInput])[] {
  return [
    ...formats.map((format) => [`disk ${format}`, { ...input, disk: { ...input.disk, format } }] as const),
    ...seeds.flatMap((kind) => [true, false].map((firstBoot) => [`seed ${kind}${firstBoot ? "" : " at a later boot"}`, { ...input, firstBoot, seed: { ...input.seed, kind } }] as const)),
    ...links.map((kind) => [`link ${kind}`, { ...input, link: linkOf(kind, input.folders.runtime) }] as const),
  ];
}

function checkPlan(plan: BootPlan, { disk, seed, link, firstBoot }: BootInput, { ready }: Launcher, where: string): void {
  const vm = checkedCommand(plan.vm, `${where}: vm`);
  const helpers = plan.helpers.map(({ command }, index) => checkedCommand(command, `${where}: helper ${index}`));
  const names = [vm, ...helpers].map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, `${where}: expected a name of its own for each command, found ${names.join(", ")}`);
  const text = JSON.stringify([vm.argv, vm.env, helpers, plan.files]);
  const mentions: readonly (readonly [what: string, word: string])[] = [
    ["disk", disk.path], ["MAC address", link.mac], ["network link", link.kind === "user" ? String(sshForward.hostPort) : link.path],
    ["ready port", ready.kind === "vsock" ? String(ready.port) : ready.name], // cloud-init looks for its seed at every boot, and Ignition at the first.
    ...(firstBoot || seed.kind === "nocloud" ? [["seed", seed.path] as const] : []),
  ];
  for (const [what, word] of mentions) assert.ok(text.includes(word), `${where}: nothing in the plan names the ${what} ${word}`);
  assert.match(plan.control.kind, /^(qmp|rest|signal)$/, `${where}: control.kind`);
  assert.match(plan.ready.kind, /^(connect|listen)$/, `${where}: ready.kind`);
  for (const note of plan.notes) assert.equal(typeof note, "string", `${where}: a note`);
}

function socketsOf({ control, console, ready, helpers }: BootPlan): readonly string[] {
  return [...(control.kind === "signal" ? [] : [control.path]), ...(console?.kind === "unix" ? [console.path] : []), ready.path, ...helpers.flatMap(({ listens }) => listens)];
}

/** The host stays as it is: its probes may take notes. */
function frozen(input: BootInput): BootInput {
  return Object.freeze({
    ...input, disk: Object.freeze({ ...input.disk }), seed: Object.freeze({ ...input.seed }), link: Object.freeze({ ...input.link }), folders: Object.freeze({ ...input.folders }),
    shares: Object.freeze([...input.shares]), usb: Object.freeze([...input.usb]),
  });
}

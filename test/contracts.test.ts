import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Command, MachineError, type BuildImage, type Forwarder, type GuestDraft, type ImageSource, type Launcher, type LocatedImage, type Plugin, type Provisioner } from "glowplug";
import { contractOf, hostOf, type ContractCheck } from "glowplug/testing";
import slirp from "../plugins/forwarders/slirp.ts";
import file from "../plugins/images/file.ts";
import qemu from "../plugins/launchers/qemu.ts";
import ignition from "../plugins/provisioners/ignition.ts";

/** The checks that a plugin does not pass. */
async function failed(checks: readonly ContractCheck[]): Promise<string[]> {
  const titles: string[] = [];
  for (const { title, run } of checks) await run().catch(() => titles.push(title));
  return titles;
}
/** The message of the first check that a plugin does not pass. */
async function complaint(checks: readonly ContractCheck[]): Promise<string | undefined> {
  for (const { run } of checks) {
    const error: unknown = await run().then(() => undefined, (reason: unknown) => reason);
    if (error instanceof Error) return error.message;
  }
  return undefined;
}

const hosts = ["linux/amd64"];
const launcher = (changes: Partial<Launcher>, plan?: Launcher["plan"]): Launcher => ({ ...qemu(), ...changes, ...(plan && { plan }) });
/** QEMU's plan with something done to it, or beside it. */
const planning = (change: (...args: [plan: Awaited<ReturnType<Launcher["plan"]>>, input: Parameters<Launcher["plan"]>[0]]) => unknown): Launcher =>
  launcher({}, async (input) => {
    const plan = await qemu().plan(input);
    return ((await change(plan, input)) ?? plan) as typeof plan;
  });

const pure = "plans without writing, starting or listening, and leaves its input alone";
const same = "plans the same for the same input, whichever instance is asked";
const complete = "plans a VM that has its disk, its seed, its network card and its ready port";
const words = "declares what it can do, in words that the core knows";
const inFolders = "keeps sockets in the runtime folder and files in the machine's folders";
const ran = promisify(execFile);

describe("the contract of launchers does not pass one that", () => {
  it.each<[what: string, plugin: Launcher, titles: readonly string[]]>([
    ["is no launcher", { ...qemu(), role: "forwarder" } as unknown as Launcher, ["has the shape of a launcher"]],
    ["has a hook that is misspelt", { ...qemu(), afterStrat() {} } as Launcher, ["has the shape of a launcher"]],
    ["declares a link that nobody knows", launcher({ links: ["unix-stream", "token-ring" as never] }), [words, complete]],
    ["declares no disk format", launcher({ formats: [] }), [words]],
    ["accepts a host without its program", launcher({ check() {} }), ["refuses a host that has none of its programs"]],
    ["refuses a host by an error without a hint", launcher({ check: (host) => { if (host.local) throw new MachineError("missing-program", "no"); } }), ["refuses a host that has none of its programs"]],
    ["cannot say why an accelerator is of no use", launcher({ accelerators: () => [{ name: "kvm", usable: false }, { name: "tcg", usable: true }] }), ["lists a host's accelerators, with a reason for each that cannot be used"]],
    ["writes a file as it plans", planning((_, { folders }) => writeFileSync(join(folders.data, "vars"), "")), [pure]],
    ["runs a program as it plans, and waits", planning(() => execFileSync("true").toString() || undefined), [pure]],
    ["runs a program as it plans, by a promise", planning(async () => void (await ran("true"))), [pure]],
    ["listens as it plans", planning(async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      await new Promise((resolve) => server.close(resolve));
    }), [pure]],
    ["changes what it is given", planning((_, { folders }) => void ((folders as { data: string }).data = `${folders.data}/`)), [pure]],
    ["plans by chance", planning(({ vm }) => void vm.add("-uuid", String(Math.random()))), [same]],
    ["plans what is no data", planning((plan) => ({ ...plan, notes: [new Date(0) as unknown as string] })), [complete, same, "plans plain data that survives JSON"]],
    ["names a program by a relative path", planning((plan) => ({ ...plan, vm: new Command("bin/qemu", { name: "qemu" }).add(plan.vm.toArgv().join(" ")) })), [complete]],
    ["forgets the seed", planning(({ vm }) => void vm.drop("-fw_cfg")), [complete]],
    ["forgets cloud-init's seed at a later boot", planning(({ vm }, { firstBoot, seed }) => void (firstBoot || seed.kind === "ignition" || vm.drop("-drive"))), [complete]],
    ["makes a socket elsewhere", planning((plan) => ({ ...plan, control: { kind: "qmp", path: "/tmp/qmp.sock", paused: true } })), [inFolders]],
    ["makes a file elsewhere", planning((plan) => ({ ...plan, files: [{ path: "/etc/vars", content: { text: "" } }] })), [inFolders]],
    ["declares a shared network and forgets it", planning(({ vm }) => void vm.drop("-netdev").add("-netdev", "stream,id=net0,path=/net/vm.sock")), [complete, "has a second card for the shared network where it declares that it can"]],
    ["declares shares and forgets them", planning((plan) => ({ ...plan, mounts: [] })), ["hands on every shared folder under a name of its own"]],
  ])("%s", async (_, plugin, titles) => {
    expect(await failed(contractOf("launcher", () => plugin, { hosts }))).toEqual(titles);
  });

  it("makes a socket with a path that is too long", async () => {
    const plugin = launcher({}, async (input) => {
      const short = await qemu().plan({ ...input, folders: { ...input.folders, runtime: "/run" } });
      return { ...short, control: { kind: "qmp", path: join(input.folders.runtime, "a-long-name-for-a-monitor.sock"), paused: true } };
    });
    expect(await failed(contractOf("launcher", () => plugin, { hosts }))).toContain("makes no socket whose path is longer than 103 bytes, and says so where the folder is too deep");
  });

  it("is at home on no host that is named", async () => {
    expect(await complaint(contractOf("launcher", () => launcher({ check() { throw new MachineError("unsupported-host", "only at sea", { hint: "Sail." }); } }), { hosts }))).toBe(
      "qemu accepts none of the hosts: linux/amd64: only at sea",
    );
  });
});

const forwarder = (change: (plan: Awaited<ReturnType<Forwarder["plan"]>>) => object, changes: Partial<Forwarder> = {}): Forwarder => ({
  ...slirp(), ...changes, plan: async (input) => ({ ...(await slirp().plan(input)), ...change(await slirp().plan(input)) }),
});
const linked = "plans a link of the kind that was asked for, and ssh at the port that was asked for";
const opened = "opens the ports of the spec, or leaves them to be opened";

describe("the contract of forwarders does not pass one that", () => {
  it.each<[what: string, plugin: Forwarder, titles: readonly string[]]>([
    ["declares no link", { ...slirp(), links: [] }, [words]],
    ["puts ssh elsewhere", forwarder(() => ({ ssh: { host: "127.0.0.1", port: 22 } })), [linked]],
    ["binds ssh for everybody", forwarder(({ link }) => ({ link: link.kind === "user" ? { ...link, forwards: link.forwards.map((port) => ({ ...port, host: "0.0.0.0" })) } : link })), [linked]],
    ["has a card that is a group's", forwarder(({ link }) => ({ link: { ...link, mac: "01:00:5e:00:00:01" } })), [linked]],
    ["starts a program of a host that has none", forwarder(() => ({ command: new Command("slirp4netns") })), ["refuses a host without its program, or needs none"]],
    ["opens a port that nobody asked for", forwarder(({ openAtStart }) => ({ openAtStart: [...openAtStart, { host: "127.0.0.1", hostPort: 1, guestPort: 1, protocol: "tcp" }] })), [opened]],
    ["leaves ports for later and has no later", forwarder(() => ({ openAtStart: [] }), { runtimePorts: false }), [opened]],
    ["waits for words that nobody fills in", forwarder(() => ({ expose: { kind: "monitor", add: "add {port}", remove: "remove {port}" } })), [opened]],
    ["listens elsewhere", forwarder(() => ({ listens: ["/tmp/net.sock"] })), ["keeps its sockets in the runtime folder"]],
  ])("%s", async (_, plugin, titles) => {
    expect(await failed(contractOf("forwarder", () => plugin, { hosts }))).toEqual(titles);
  });
});

const image = (locate: ImageSource["locate"]): ImageSource => ({ ...file("./disk.qcow2"), locate });
const kept: LocatedImage = { kind: "local", title: "kept", path: "/disk.qcow2" };
const fetched = { kind: "fetch", title: "a disk", url: "https://images.invalid/disk.qcow2", digest: { algorithm: "sha256", hex: "0".repeat(64) }, format: "qcow2", compression: "none" } as const;
const build = (steps: BuildImage["steps"]): ImageSource => image(() => ({ kind: "build", title: "built", key: "k", needs: [], format: "raw", steps }));
const from = "says where the disk comes from";
const steps = "describes a build by steps that depend on its key and the paths alone";

describe("the contract of images does not pass one that", () => {
  it.each<[what: string, plugin: ImageSource, titles: readonly string[]]>([
    ["speaks no first-boot language", { ...file("./disk.qcow2"), firstBoot: "kickstart" as never }, ["has the shape of an image source", "declares the guest's first-boot language and its login user"]],
    ["has a path that depends on where one stands", image(() => ({ ...kept, path: "disk.qcow2" })), [from]],
    ["has an address that is none", image(() => ({ ...fetched, url: "images.invalid/disk" })), [from]],
    ["has a checksum that is too short", image(() => ({ ...fetched, digest: { algorithm: "sha512", hex: "0".repeat(64) } })), [from]],
    ["hands out the same answer to all", image(() => kept), ["gives each asker an answer of his own, which a hook may change"]],
    ["says something else each time", image(() => ({ ...kept, title: String(Math.random()) })), ["says the same when it is asked again, whichever instance is asked", "gives each asker an answer of his own, which a hook may change"]],
    ["fetches by itself", image(async () => { await fetch("http://127.0.0.1:9/").catch(() => {}); throw new Error("offline"); }), [from, "says the same when it is asked again, whichever instance is asked", "gives each asker an answer of his own, which a hook may change", "locates without writing, starting, listening or fetching by itself", steps]],
    ["builds by no command", build(() => ({ files: [], commands: [] })), [steps]],
    ["builds into nowhere", build(() => ({ files: [], commands: [new Command("make")] })), [steps]],
    ["writes beside its scratch folder", build(({ output }) => ({ files: [{ path: "/tmp/build.sh", content: { text: "" } }], commands: [new Command("make").add(output)] })), [steps]],
  ])("%s", async (_, plugin, titles) => {
    expect(await failed(contractOf("image", () => plugin, { hosts }))).toEqual(titles);
  });

  it("asks for texts that the options do not have", async () => {
    const checks = contractOf("image", () => image(async ({ fetchText }) => ({ ...fetched, title: await fetchText("https://images.invalid/index") })), { hosts });
    expect(await complaint(checks)).toBe("https://images.invalid/index could not be fetched: no text is given for it");
  });
});

const provisioner = (change: (text: string, guest: Parameters<Provisioner["render"]>[0]) => string): Provisioner => ({
  ...ignition(), render: (guest) => ({ kind: "ignition", text: change((ignition().render(guest) as { text: string }).text, guest) }),
});

/** The same guest, with files that have lost the spaces at their ends. */
function trimmed(guest: GuestDraft): GuestDraft {
  const other: GuestDraft = Object.create(guest, { files: { value: guest.files.map((one) => ({ ...one, content: one.content?.trim() })) } });
  for (const list of ["users", "folders", "links", "units", "mounts"] as const) Object.defineProperty(other, list, { value: guest[list] });
  return other;
}

describe("the contract of provisioners does not pass one that", () => {
  it.each<[what: string, plugin: Provisioner, titles: readonly string[]]>([
    ["declares another seed", { ...ignition(), seed: "nocloud" }, ["renders a seed of the kind that it declares"]],
    ["renders by chance", provisioner((text) => JSON.stringify({ ...JSON.parse(text), at: Math.random() })), ["renders the same bytes for the same draft, whichever instance is asked"]],
    ["changes the draft", provisioner((text, guest) => { guest.package("extra"); return text; }), ["leaves the draft as it was"]],
    ["leaves the units out", provisioner((text) => JSON.stringify({ ...JSON.parse(text), systemd: {} })), ["says everything that the draft says"]],
    ["trims texts", { ...ignition(), render: (guest) => ignition().render(trimmed(guest)) }, ["tells texts apart that differ in one character, whatever it is"]],
  ])("%s", async (_, plugin, titles) => {
    expect(await failed(contractOf("provisioner", () => plugin))).toEqual(titles);
  });
});

describe("the contract of other plugins does not pass one that", () => {
  it.each<[what: string, plugin: Plugin, titles: readonly string[]]>([
    ["fills a slot", qemu(), ["has the shape of a plugin"]],
    ["says something else each time", { name: "p", ignition: ({ guest }) => void guest.run(`echo ${Math.random()}`) }, ["says the same of a guest each time, whichever instance is asked"]],
    ["writes as it drafts", { name: "p", ignition: ({ machine }) => writeFileSync(join(machine.folders.data, "key"), "") }, ["drafts a guest without writing, starting or listening, since `plan` does so too"]],
  ])("%s", async (_, plugin, titles) => {
    expect(await failed(contractOf("addon", () => plugin, { hosts: [hostOf("linux/amd64")] }))).toEqual(titles);
  });
});

import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { GuestDraft, HostFacts, ImageSource, Machine, MachineSpec, Plugin, ResolvedSpec } from "glowplug";
import { MachineHandle } from "../../core/handle.ts";
import { foreignHost, hostOfProcess } from "../../core/host.ts";
import { openMachine } from "../../core/open.ts";
import { createPaths } from "../../core/paths.ts";
import { installFakes, type FakeBehaviour, type FakeCall, type GuestCommand } from "../fixtures/fakes.ts";
import { writeRawDisk } from "../support/disks.ts";
import { makeTestRun } from "../support/run.ts";

export interface TestMachineOptions {
  /** Which machine, where a script describes several. */
  readonly name?: string;
  /** False: init alone. Default: true. */
  readonly start?: boolean;
  /** Programs that the host has beside the fakes, by name, with their absolute paths. Default: none, whatever this host has. */
  readonly programs?: Readonly<Record<string, string>>;
  /** What the fake programs do otherwise than well: faults, and commands of the guest with what runs here instead. Default: all is well. */
  readonly fakes?: FakeBehaviour;
}

/** A machine that the real core made and runs, on programs that play QEMU, gvproxy and qemu-img. */
export interface TestMachine extends AsyncDisposable {
  readonly machine: Machine;
  /** What first boot makes of the guest: users, files, units, in no format in particular. */
  readonly guest: GuestDraft;
  /** Text of a file that first boot writes into the guest; undefined where it writes none. */
  file(path: string): string | undefined;
  /** What was run in the guest, in order. */
  commands(): readonly GuestCommand[];
  /** Runs of the fake programs, in order: of "qemu-system-x86_64", "gvproxy" and "qemu-img". Probes are left out. */
  calls(program?: string): readonly FakeCall[];
  /** Progress, warnings and what plugins logged, in order: "info: motd: it is there". */
  readonly told: readonly string[];
  /** Folder of everything that this machine has on disk. */
  readonly folder: string;
  /** Removes the machine and the folder, whatever state it is in. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes and starts a machine of a spec, or of a script by its path, in a folder of its own. Core, keeper, hooks and ssh are real.
 * Not real are the host, a Linux on amd64 with nothing but the fake programs, and the image, an empty disk that takes the place of whatever the image
 * source locates. In the guest `cat`, `echo` and other harmless commands run on this host and find the guest's files; all others do nothing and succeed.
 * Throws what init and start throw; nothing is left then.
 */
export async function testMachine(what: MachineSpec | string, options: TestMachineOptions = {}): Promise<TestMachine> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gp-")));
  const root = join(folder, "guest");
  mkdirSync(root);
  const fakes = installFakes(join(folder, "bin"), { ...options.fakes, qemu: { root, files: root, ...options.fakes?.qemu } });
  const run = makeTestRun(foldersIn(folder), fakeHost(folder, fakes.folder, options.programs));
  const disk = join(folder, "empty.raw");
  writeRawDisk(disk, { size: 64 * 2 ** 20 });
  let guest: GuestDraft | undefined;
  let machine: Machine | undefined;
  const dispose = async (): Promise<void> => {
    if ((await machine?.status())?.record) await machine?.remove({ force: true });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const source = typeof what === "string" ? { script: resolve(what) } : { spec: what };
    const opened = await openMachine({ ...source, ...(options.name !== undefined && { name: options.name }) }, { ...run, cwd: process.cwd() });
    const spec = withTestParts(await opened.spec(), disk, (draft) => (guest ??= draft));
    machine = new MachineHandle(spec.name, run, async () => ({ spec, said: {} }));
    await machine.init();
    if (!guest) throw new Error("init made no guest");
    writeGuest(root, guest);
    if (options.start !== false) await machine.start();
  } catch (error) {
    await dispose();
    throw error;
  }
  const drafted = guest;
  return {
    machine, guest: drafted, folder, told: run.told, calls: fakes.calls, commands: fakes.commands,
    file: (path) => drafted.files.find((file) => file.path === path)?.content,
    [Symbol.asyncDispose]: dispose,
  };
}

function foldersIn(path: string) {
  const env = Object.fromEntries(["DATA_HOME", "CACHE_HOME", "CONFIG_HOME"].map((name) => [`XDG_${name}`, join(path, name.toLowerCase())]));
  return { path, paths: createPaths({ os: "linux", uid: process.getuid?.() ?? 0, home: path, env: { ...env, XDG_RUNTIME_DIR: join(path, "run"), CONTAINERS_CONF: "/dev/null" }, isOwned: () => true }) };
}

/** The facts are the same on every host; what runs the fakes is real. */
function fakeHost(home: string, bin: string, programs: Readonly<Record<string, string>> = {}): HostFacts {
  const { uid, gid, probe } = hostOfProcess();
  return {
    ...foreignHost("linux/amd64"), local: true, home, uid, gid, probe, firstFile: () => undefined,
    find: (program) => [programs[program] ?? join(bin, program), program].find((path) => path.startsWith("/") && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false)),
  };
}

/** The same spec with an empty disk for its image, and with a last plugin that takes note of the guest. */
function withTestParts(spec: ResolvedSpec, disk: string, onGuest: (guest: GuestDraft) => void): ResolvedSpec {
  const image = Object.create(spec.image, { locate: { value: () => ({ kind: "local", title: "an empty disk", path: disk }) } }) as ImageSource;
  const witness: Plugin = { name: "test-machine", apply: (hooks) => hooks.ignition.tap({ stage: Number.MAX_SAFE_INTEGER }, ({ guest }) => onGuest(guest)) };
  return { ...spec, image, plugins: [...spec.plugins.map((plugin) => (plugin === spec.image ? image : plugin)), witness] };
}

/** The guest's files and links where its commands find them. */
function writeGuest(root: string, { hostname, files, links }: GuestDraft): void {
  for (const { path, content = "" } of [{ path: "/etc/hostname", content: `${hostname}\n` }, ...files]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  for (const { path, target } of links) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target.startsWith("/") ? join(root, target) : target, join(root, path));
  }
}

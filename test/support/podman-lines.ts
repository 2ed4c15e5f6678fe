import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { podmanLines, type MachineState, type PodmanLine } from "../fixtures/podman-lines.ts";
import type { Ended, World } from "./world.ts";

/** A machine that runs, for the lines of podman's tests that need a real guest. */
export interface RunningGuest {
  readonly world: World;
  readonly name: string;
}

/** What the guest was given. */
export interface GuestFacts {
  readonly cpus: number;
  /** GiB. */
  readonly disk: number;
  /** MiB. */
  readonly memory: number;
}

/** A machine that podman's lines are about; small, for the host of the tests is. */
export const smallMachine = ["--cpus", "1", "--memory", "256", "--disk-size", "11"];

/** What would end the machine, which the suite has still to look at. */
const ends = (argv: readonly string[]): boolean => ["stop", "restart"].includes(argv[0] ?? "") || argv.join(" ") === "rm --force NAME";

/** Whether a line boots a guest. */
export const boots = ({ on, argv, status = 0 }: PodmanLine): boolean => status === 0 && (argv.includes("--now") || (on === "stopped" && ["start", "restart"].includes(argv[0] ?? "")));

/** Runs one of podman's lines, by its words, and holds what it prints against what podman prints. */
export function podmanLine(on: MachineState, words: string, machine: RunningGuest): Promise<Ended> {
  const line = podmanLines.find((one) => one.on === on && one.argv.join(" ") === words);
  if (!line) throw new Error(`podman's tests have no "${words}" on a machine that is ${on}`);
  return expectAsPodman(line, machine);
}

/** The same for a line. Its capital words stand for the machine's name and for files where commands run. */
async function expectAsPodman({ argv, status = 0, stdout, stderr }: PodmanLine, { world, name }: RunningGuest): Promise<Ended> {
  const work = (word: string): string => join(world.folder, "work", word);
  // A list's header is NAME as well.
  const named = (pattern: RegExp): RegExp => new RegExp(pattern.source.replaceAll("NAME", name), pattern.flags);
  const line = argv.map((word) => word.replace(/^NAME/, name).replace(/^(IMAGE|FOLDER|IGNITION|PLAYBOOK|HOSTFILE|HOSTNEW)\b/, work));
  const ended = await world.glowplug("machine", ...line);
  const said = `glowplug machine ${line.join(" ")}\n${ended.stdout}\n${ended.stderr}`;
  expect(ended.code, said).toBe(status);
  if (stdout) expect(ended.stdout, said).toMatch(named(stdout));
  if (stderr) expect(ended.stderr, said).toMatch(named(stderr));
  return ended;
}

/** Writes what the lines name, but for IMAGE. */
export function writePodmanFiles(world: World): void {
  mkdirSync(join(world.folder, "work/FOLDER"), { recursive: true });
  for (const file of ["HOSTFILE", "FOLDER/bar.txt"]) world.write(file, "text\n");
  world.write("PLAYBOOK", "- hosts: localhost\n");
  world.write("IGNITION", '{"ignition":{"version":"3.3.0"},"passwd":{"users":[{"name":"core"}]}}');
}

/** A test for each line on a machine of that state, of those that are chosen. The world has IMAGE and the other files. */
export function podmanLinesWhile(state: MachineState, world: () => World, chosen: (line: PodmanLine) => boolean = () => true): void {
  let asWanted = state === "none";

  it.each(podmanLines.filter((line) => line.on === state && chosen(line)).map((line) => [line.argv.join(" "), line] as const))("machine %s", async (_, line) => {
    await bring(line);
    const { code } = await expectAsPodman(line, { world: world(), name: "NAME" });
    asWanted = code !== 0 || ["list", "inspect", "ssh", "cp"].includes(line.argv[0] ?? "");
  });

  /** The machine as the lines want it, made anew where the one before has changed it: what set or rm left must not be met again. */
  async function bring({ on }: PodmanLine): Promise<void> {
    if (asWanted) return;
    await world().glowplug("rm", "--force", "NAME");
    rmSync(join(world().folder, "data/glowplug/machines/NAME"), { recursive: true, force: true });
    if (on !== "none") await world().ok("init", ...smallMachine, "--image", "./IMAGE", ...(on === "running" ? ["--now", "--quiet"] : []), "NAME");
    asWanted = true;
  }
}

/** Tests for a suite that has a machine running: podman's command lines on a real guest. Nothing of them stays but files in the user's home. */
export function podmanLinesOn(machine: () => RunningGuest, { cpus, disk, memory }: GuestFacts): void {
  const podman = (...argv: string[]) => machine().world.glowplug("machine", ...argv);
  const ssh = async (...command: string[]): Promise<string> => {
    const ended = await podman("ssh", machine().name, ...command);
    expect(ended, command.join(" ")).toMatchObject({ code: 0, stderr: "" });
    return ended.stdout.trim();
  };

  it("takes podman's own command lines on a running machine", async () => {
    const { world } = machine();
    writePodmanFiles(world);
    await ssh("echo text > there.txt");
    for (const line of podmanLines.filter((one) => one.on === "running" && !ends(one.argv))) await expectAsPodman(line, machine());
    expect(readFileSync(join(world.folder, "work/HOSTNEW"), "utf8")).toBe("text\n");
    expect(await ssh("ls", "foo-dir")).toBe("bar.txt");
  });

  it("has the processors, the memory and the disk that podman's tests look for", async () => {
    expect(await ssh("lscpu", "|", "grep", '"CPU(s):"', "|", "head", "-1")).toMatch(new RegExp(`\\b${cpus}$`));
    expect(await ssh("sudo", "fdisk", "-l", "|", "grep", "Disk")).toContain(`${disk} GiB`);
    const found = Number(await ssh("cat", "/proc/meminfo", "|", "grep", "-i", "'memtotal'", "|", "grep", "-o", "'[[:digit:]]*'")) / 1024;
    expect(found).toBeGreaterThan(memory * 0.9);
    expect(found).toBeLessThan(memory * 1.05);
  });

  it("points docker's socket in the guest at the user's podman, and is the user's", async () => {
    expect(await ssh("readlink /var/run/docker.sock")).toMatch(/^\/run\/user\/\d+\/podman\/podman\.sock$/);
    expect(await ssh("whoami")).toBe("core");
  });

  it("refuses to copy to where that cannot be, and tells why", async () => {
    const { world, name } = machine();
    const host = world.write("refused.txt", "text\n");
    expect(await podman("cp", "--quiet", host, `${name}:/etc/tmp.txt`)).toMatchObject({ code: 125, stderr: expect.stringMatching(/^Error: copy failed: .*\/etc\/tmp\.txt.*ermission denied/m) as string });
    expect(await podman("cp", "--quiet", host, `${name}:~/no-such-folder/`)).toMatchObject({ code: 125, stderr: expect.stringMatching(/^Error: copy failed: .*no-such-folder/m) as string });
  });
}

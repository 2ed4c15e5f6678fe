import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { podmanLines } from "../fixtures/podman-lines.ts";
import type { World } from "./world.ts";

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

/** What would end the machine, which the suite has still to look at. */
const ends = (argv: readonly string[]): boolean => ["stop", "restart"].includes(argv[0] ?? "") || argv.join(" ") === "rm --force NAME";

/** Tests for a suite that has a machine running: podman's command lines on a real guest. Nothing of them stays but files in the user's home. */
export function podmanLinesOn(machine: () => RunningGuest, { cpus, disk, memory }: GuestFacts): void {
  const podman = (...argv: string[]) => machine().world.glowplug("machine", ...argv);
  const ssh = async (...command: string[]): Promise<string> => {
    const ended = await podman("ssh", machine().name, ...command);
    expect(ended, command.join(" ")).toMatchObject({ code: 0, stderr: "" });
    return ended.stdout.trim();
  };

  it("takes podman's own command lines on a running machine", async () => {
    const { world, name } = machine();
    const work = (word: string): string => join(world.folder, "work", word);
    mkdirSync(work("FOLDER"), { recursive: true });
    for (const file of ["HOSTFILE", "FOLDER/bar.txt"]) world.write(file, "text\n");
    await ssh("echo text > there.txt");
    const named = (pattern: RegExp): RegExp => new RegExp(pattern.source.replaceAll("NAME", name), pattern.flags);
    for (const { argv, status = 0, stdout, stderr } of podmanLines.filter((line) => line.on === "running" && !ends(line.argv))) {
      const line = argv.map((word) => word.replace(/^NAME/, name).replace(/^(FOLDER|HOSTFILE|HOSTNEW)\b/, work));
      const ended = await podman(...line);
      const said = `glowplug machine ${line.join(" ")}\n${ended.stdout}\n${ended.stderr}`;
      expect(ended.code, said).toBe(status);
      // A list's header is NAME as well.
      if (stdout) expect(ended.stdout, said).toMatch(named(stdout));
      if (stderr) expect(ended.stderr, said).toMatch(named(stderr));
    }
    expect(readFileSync(work("HOSTNEW"), "utf8")).toBe("text\n");
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

import { spawn } from "node:child_process";
import { existsSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeRawDisk } from "../support/disks.ts";
import { filesBelow, processesOf, program, World } from "../support/world.ts";

let world: World;
beforeEach(() => {
  world = new World({});
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
});
afterEach(async () => world.close());

/** No machine, no half-made image, no process, no socket. */
function expectNothing(): void {
  expect(filesBelow(join(world.folder, "data/glowplug/machines"))).toEqual([]);
  expect(filesBelow(join(world.folder, "images/incoming"))).toEqual([]);
  expect(filesBelow(join(world.folder, "data/glowplug/locks"))).toEqual([]);
  expect(filesBelow(world.runtime)).toEqual([]);
  expect(processesOf(world.folder)).toEqual([]);
}

/** Each error is one `Error:` line that says what, and a hint that says what to do. */
async function expectRefused(argv: readonly string[], message: RegExp): Promise<void> {
  const ended = await world.glowplug(...argv);
  expect(ended.code, ended.stderr).toBe(125);
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr).toMatch(/^hint: /m);
  expectNothing();
}

const small = ["--disk-size", "1", "--cpus", "1", "--memory", "256", "--forwarder", "slirp"];

describe("an image that is", () => {
  it("missing is refused", () => expectRefused(["init", "--image", "./nowhere.qcow2", ...small], /nowhere\.qcow2/));

  it("empty is refused", async () => {
    world.write("empty.raw", "");
    await expectRefused(["init", "--image", "./empty.raw", ...small], /empty/);
  });

  it("no disk at all is refused", async () => {
    world.write("text.raw", "not a disk\n".repeat(100));
    await expectRefused(["init", "--image", "./text.raw", ...small], /text\.raw.*no disk/);
  });

  it("a truncated qcow2 is refused", async () => {
    const path = join(world.folder, "work/cut.qcow2");
    const { convertDisk } = await import("../support/disks.ts");
    writeRawDisk(join(world.folder, "work/full.raw"), { size: 8 * 2 ** 20, data: [{ at: 2 ** 20, bytes: Buffer.alloc(4 * 2 ** 20, 7) }] });
    convertDisk(join(world.folder, "work/full.raw"), path, "qcow2");
    truncateSync(path, 2 ** 20);
    await expectRefused(["init", "--image", "./cut.qcow2", ...small], /cut/);
  });

  it("larger than the disk is refused", async () => {
    writeRawDisk(join(world.folder, "work/big.raw"), { size: 3 * 2 ** 30 });
    await expectRefused(["init", "--image", "./big.raw", ...small], /a disk of 1GiB is smaller than its image/);
  });
});

describe("a name that is", () => {
  it.each(["-x", "a b", "ü", "a".repeat(31)])("bad is refused: %s", (name) => expectRefused(["init", "--image", "./base.raw", ...small, "--", name], /name|flag|option/i));

  it("taken is refused, and the machine that has it is left as it is", async () => {
    await world.ok("init", "--image", "./base.raw", ...small, "box");
    expect(await world.glowplug("init", "--image", "./base.raw", ...small, "box")).toMatchObject({ code: 125, stderr: expect.stringContaining('machine "box" already exists') });
    expect(await world.ok("list", "--quiet")).toBe("box*\n");
  });

  it("claimed by another script is refused, with both paths", async () => {
    const spec = (extra: string): string => `export default { name: "box", image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "slirp", podman: false${extra} };\n`;
    const one = world.write("one.ts", spec(""));
    const two = world.write("two.ts", spec(""));
    await world.ok("init", "./one.ts");
    const { stderr, code } = await world.glowplug("up", "./two.ts");
    expect(code).toBe(125);
    expect(stderr).toContain(one);
    expect(stderr).toContain(two);
  });
});

describe("a script that", () => {
  it.each<[string, string, RegExp]>([
    ["throws is shown with file, line and code", 'const a = 1;\nthrow new Error("no luck");\n', /box\.ts:2:\d+: no luck[\s\S]*> 2 \| throw new Error/],
    ["has a syntax error is shown with file, line and code", "export default {\n  cpus: 2,,\n};\n", /box\.ts:2:\d+[\s\S]*cpus: 2,,/],
    ["exports nothing is refused", "export const a = 1;\n", /box\.ts has no default export/],
    ["names an unknown field, hook, slot and plugin is told all of them at once", 'export default { cpu: 2, afterStrat() {}, launcher: "qemo", forwarder: "slurp", memory: 4, plugins: ["podmon"] };\n', /(?=[\s\S]*cpus)(?=[\s\S]*afterStart)(?=[\s\S]*memory)/],
    ["names plugins that are not there is told each, with the near ones", 'export default { image: "./base.raw", launcher: "qemo", forwarder: "slurp" };\n', /(?=[\s\S]*"qemo"[\s\S]*qemu)(?=[\s\S]*"slurp"[\s\S]*slirp)/],
    ["asks for more than the host has is refused in podman's words", 'export default { image: "./base.raw", cpus: 999, memory: "999TiB", forwarder: "slirp" };\n', /requested number of CPUs \(999\) greater than[\s\S]*requested amount of memory/],
  ])("%s", async (_, text, message) => {
    world.write("box.ts", text);
    await expectRefused(["up", "./box.ts"], message);
  });
});

describe("a host without", () => {
  it("QEMU is told what to install, before anything is fetched", async () => {
    rmSync(join(world.fakes?.folder ?? "", "qemu-system-x86_64"));
    world.env["PATH"] = world.fakes?.folder;
    await expectRefused(["init", "--image", "./base.raw", ...small], /qemu-system-x86_64/);
    expect(existsSync(join(world.folder, "images"))).toBe(false);
  });

  it("gvproxy is told what to install, when gvproxy was asked for", async () => {
    rmSync(join(world.fakes?.folder ?? "", "gvproxy"));
    await expectRefused(["init", "--image", "./base.raw", ...small, "--forwarder", "gvproxy"], /gvproxy/);
  });

  it("a QEMU of 7.2 is told which one it has", async () => {
    world.fakes?.behave({ qemu: { version: "6.2.0" } });
    await expectRefused(["init", "--image", "./base.raw", ...small], /6\.2\.0[\s\S]*7\.2|7\.2[\s\S]*6\.2\.0/);
  });
});

describe("Ctrl-C in init", () => {
  it.each(["beforeDownload", "ignition"])("while the hook %s waits undoes what was begun", async (hook) => {
    world.write("box.ts", `export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "slirp", podman: false, async ${hook}({ log }) { log("waiting"); await new Promise((resolve) => setTimeout(resolve, 60_000)); } };\n`);
    expect(await interrupted(["init", "./box.ts"], "waiting")).toBe(130);
    expectNothing();
  });

  it("while the image is built ends the build and leaves nothing", async () => {
    writeFileSync(join(world.folder, "work/slow.ts"), `import { Command } from "glowplug";
export default () => ({ name: "slow", role: "image", firstBoot: "ignition", user: "core", locate: () => ({ kind: "build", title: "a slow build", key: "slow", needs: [], format: "raw",
  steps: ({ scratch }) => ({ files: [], commands: [new Command("/bin/sh", { name: "slow" }).add("-c", "echo 'slow: begun' >&2; sleep 60; : " + scratch)] }) }) });\n`);
    world.write("box.ts", 'export default { image: "./slow.ts", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "slirp", podman: false };\n');
    expect(await interrupted(["init", "./box.ts"], "begun")).toBe(130);
    expectNothing();
  });

  /** Runs a verb, interrupts it when a text appears, and returns its exit status. */
  function interrupted(argv: readonly string[], text: string): Promise<number | null> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [program, ...argv], { env: world.env, cwd: join(world.folder, "work"), stdio: ["ignore", "pipe", "pipe"] });
      let seen = "";
      child.stderr.on("data", (bytes: Buffer) => {
        const before = seen;
        seen += bytes.toString();
        if (!before.includes(text) && seen.includes(text)) child.kill("SIGINT");
      });
      child.once("close", resolve);
    });
  }
});

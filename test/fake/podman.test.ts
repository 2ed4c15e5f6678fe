import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MachineState } from "../fixtures/podman-lines.ts";
import { writeRawDisk } from "../support/disks.ts";
import { inspectIn } from "../support/inspected.ts";
import { podmanLinesWhile, smallMachine, writePodmanFiles } from "../support/podman-lines.ts";
import { filesBelow, World } from "../support/world.ts";

describe.each<MachineState>(["none", "stopped", "running"])("podman's own command lines on a machine that is %s", (state) => {
  let world: World;
  beforeAll(() => {
    world = new World({});
    writeRawDisk(join(world.folder, "work/IMAGE"), { size: 64 * 2 ** 20 });
    writePodmanFiles(world);
    mkdirSync(join(world.folder, "work/guest"));
    world.write("guest/there.txt", "text\n");
    world.fakes?.behave({ qemu: { files: join(world.folder, "work/guest"), commands: [{ match: "^false$", run: "false" }, { match: "^echo ", run: "echo foo" }] } });
  });
  afterAll(() => world.close());

  podmanLinesWhile(state, () => world);
});

describe("podman's events", () => {
  it("are told to whoever listens: init, start, copy, stop and remove", async () => {
    const world = new World({});
    try {
      writeRawDisk(join(world.folder, "work/IMAGE"), { size: 64 * 2 ** 20 });
      mkdirSync(join(world.folder, "work/guest"));
      world.fakes?.behave({ qemu: { files: join(world.folder, "work/guest") } });
      mkdirSync(join(world.folder, "run/podman"));
      const heard: string[] = [];
      const server = createServer((socket) => socket.on("data", (bytes: Buffer) => heard.push(bytes.toString())));
      await new Promise<void>((done) => server.listen(join(world.folder, "run/podman/machine_events.sock"), done));
      await world.ok("machine", "init", ...smallMachine, "--image", "./IMAGE", "--now", "box");
      world.write("file", "text");
      await world.ok("machine", "cp", "./file", "box:file");
      expect(await world.glowplug("machine", "start", "box")).toMatchObject({ code: 125 });
      await world.ok("machine", "stop", "box");
      await world.ok("machine", "rm", "--force", "box");
      await new Promise((done) => server.close(done));
      expect(heard.map((text) => JSON.parse(text) as Record<string, unknown>)).toEqual(["init", "start", "copy", "stop", "remove"].map((Status) => (
        { Name: "box", Status, Time: expect.stringMatching(/^\d{4}-/) as string, Type: "machine", Attributes: null }
      )));
    } finally {
      await world.close();
    }
  });
});

describe("an ssh port that somebody took", () => {
  it("is told in podman's words, and another one takes its place, in the ssh config as well; podman's connections name none", async () => {
    const world = new World({});
    const listener = createServer();
    try {
      writeRawDisk(join(world.folder, "work/IMAGE"), { size: 64 * 2 ** 20 });
      await world.ok("machine", "init", ...smallMachine, "--image", "./IMAGE", "box");
      const port = async (): Promise<number> => Number(await world.ok("machine", "inspect", "--format", "{{.SSHConfig.Port}}", "box"));
      const config = (): Promise<string> => world.ok("ssh-config", "box");
      // podman 4 and 5 keep them in different files.
      const connections = (): string => filesBelow(join(world.folder, "config")).map((path) => readFileSync(path, "utf8")).join("\n");
      const taken = await port();
      expect(connections()).not.toContain(`:${taken}`);
      expect(await config()).toContain(`Port ${taken}\n`);
      await new Promise<void>((done) => listener.listen(taken, "127.0.0.1", done));
      expect((await world.glowplug("machine", "start", "box")).stderr).toContain(`detected port conflict on machine ssh port [${taken}], reassigning`);
      const now = await port();
      expect(now).not.toBe(taken);
      expect(await config()).toContain(`Port ${now}\n`);
      expect(connections()).toContain(`unix://${join(world.runtime, "box/podman.sock")}`);
      expect(connections()).not.toMatch(new RegExp(`:(${taken}|${now})`));
    } finally {
      listener.close();
      await world.close();
    }
  });
});

describe("rm without --force", () => {
  it("asks, listing what goes, and takes only a yes for one", async () => {
    const world = new World({});
    try {
      writeRawDisk(join(world.folder, "work/IMAGE"), { size: 64 * 2 ** 20 });
      await world.ok("init", ...smallMachine, "--image", "./IMAGE", "box");
      const asked = /^The following files will be deleted:\n\n\n\/[\s\S]*\/machine\.json\n[\s\S]*\nAre you sure you want to continue\? \[y\/N\] /;
      const answered = (input: string) => world.answer(input, "machine", "rm", "box");
      expect(await answered("no\n")).toMatchObject({ code: 0, stdout: expect.stringMatching(asked) as string });
      expect(await answered("")).toMatchObject({ code: 125, stdout: expect.stringMatching(asked) as string });
      expect(await world.ok("list", "--quiet")).toBe("box*\n");
      expect(await answered("Yes\n")).toMatchObject({ code: 0 });
      expect(await world.ok("list", "--quiet")).toBe("");
    } finally {
      await world.close();
    }
  });
});

describe("a disk that rm keeps", () => {
  it("stands by itself, and another machine can be made of it", async () => {
    const world = new World({});
    try {
      writeRawDisk(join(world.folder, "work/IMAGE"), { size: 64 * 2 ** 20 });
      await world.ok("init", ...smallMachine, "--image", "./IMAGE", "box");
      const folder = join(world.folder, "data/glowplug/machines/box");
      const disk = join(folder, "disk.qcow2");
      await world.ok("rm", "--force", "--save-image", "--save-ignition", "--save-keys", "box");
      const kept = ["disk.qcow2", "id_ed25519", "id_ed25519.pub", "ignition.json"];
      expect(filesBelow(folder).map((path) => basename(path)).sort()).toEqual(kept);
      await world.ok("image", "prune", "--force");
      await world.ok("init", ...smallMachine, "--image", disk, "other");
    } finally {
      await world.close();
    }
  });

  it("keeps the key to a guest that ran, which lets in nobody else, and its next machine has that guest's keys and user", async () => {
    const world = new World({});
    try {
      writeRawDisk(join(world.folder, "work/IMAGE"), { size: 64 * 2 ** 20 });
      await world.ok("init", ...smallMachine, "--image", "./IMAGE", "--username", "worker", "--now", "box");
      const { HostKey } = await inspectIn(world, "box");
      await world.ok("rm", "--force", "--save-image", "box");
      const [folder, next] = ["box", "other"].map((name) => join(world.folder, "data/glowplug/machines", name)) as [string, string];
      const key = readFileSync(join(folder, "id_ed25519"), "utf8");
      expect(filesBelow(folder).map((path) => basename(path)).sort()).toEqual(["access.json", "disk.qcow2", "id_ed25519", "id_ed25519.pub"]);
      const init = (...more: string[]) => world.glowplug("init", ...smallMachine, "--image", join(folder, "disk.qcow2"), ...more, "other");
      expect(await init()).toMatchObject({ code: 125, stderr: expect.stringMatching(/its user is worker, and core was asked for\nhint: Say `--username worker`\.\n/) as string });
      expect(await init("--username", "worker")).toMatchObject({ code: 0, stderr: expect.stringContaining("has had its first boot") as string });
      expect([readFileSync(join(next, "id_ed25519"), "utf8"), (await inspectIn(world, "other")).HostKey]).toEqual([key, HostKey]);
      expect(readFileSync(join(next, "known_hosts"), "utf8")).toContain(HostKey.split(" ")[1]);
    } finally {
      await world.close();
    }
  });
});

describe("two at once", () => {
  it("start one machine once: the other waits, and then says that it runs", async () => {
    const world = new World({ qemu: { readyMs: 1500 } });
    try {
      writeRawDisk(join(world.folder, "work/IMAGE"), { size: 64 * 2 ** 20 });
      await world.ok("init", ...smallMachine, "--image", "./IMAGE", "box");
      const ended = await Promise.all([world.glowplug("start", "box"), world.glowplug("start", "box")]);
      expect(ended.map(({ code }) => code).sort()).toEqual([0, 125]);
      expect(ended.find(({ code }) => code === 125)?.stderr).toContain('Error: unable to start "box": already running\n');
      expect(world.fakes?.calls("qemu-system-x86_64").filter(({ kind }) => kind === "run")).toHaveLength(1);
    } finally {
      await world.close();
    }
  });

  it("make one machine once", async () => {
    const world = new World({});
    try {
      writeRawDisk(join(world.folder, "work/IMAGE"), { size: 64 * 2 ** 20 });
      const ended = await Promise.all([1, 2].map(() => world.glowplug("init", ...smallMachine, "--image", "./IMAGE", "box")));
      expect(ended.map(({ code }) => code).sort()).toEqual([0, 125]);
      expect(ended.find(({ code }) => code === 125)?.stderr).toContain('Error: machine "box" already exists\n');
    } finally {
      await world.close();
    }
  });
});

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { writeRawDisk } from "../support/disks.ts";
import { filesBelow, processesOf, World } from "../support/world.ts";
import type { FakeBehaviour } from "../fixtures/fakes.ts";

let world: World;
function worldWith(behaviour: FakeBehaviour = {}): World {
  world = new World(behaviour);
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  return world;
}
afterEach(async () => world.close());

const script = (extra = "", forwarder = "gvproxy"): string => `export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "${forwarder}", podman: false, ${extra} };\n`;

describe.each(["gvproxy", "slirp"])("a whole life on fake programs, under %s", (forwarder) => {
  it("goes from nothing to up, to stopped, to up and to nothing", async () => {
    const { folder, runtime } = worldWith();
    world.write("box.ts", script("", forwarder));
    await world.ok("init", "./box.ts");
    expect(await world.ok("list", "--quiet")).toBe("box\n");
    expect(processesOf(folder)).toEqual([]);

    await world.ok("start", "box");
    expect(JSON.parse(await world.ok("inspect", "box"))[0]).toMatchObject({ State: "running", Condition: "ok" });
    expect(await world.ok("exec", "box", "echo", "a b")).toBe("a b\n");

    await world.ok("stop", "box");
    expect(processesOf(folder)).toEqual([]);
    expect(filesBelow(runtime)).toEqual([]);

    await world.ok("up", "./box.ts");
    await world.ok("rm", "--force", "box");
    expect(processesOf(folder)).toEqual([]);
    expect([...filesBelow(runtime), ...filesBelow(join(folder, "data/glowplug/machines"))]).toEqual([]);
  });
});

describe("a machine's files", () => {
  it("are its owner's alone, whatever the umask", async () => {
    const { folder, runtime } = worldWith();
    world.write("box.ts", script());
    const before = process.umask(0);
    try {
      await world.ok("up", "./box.ts");
    } finally {
      process.umask(before);
    }
    const open = [...filesBelow(join(folder, "data/glowplug/machines")), ...filesBelow(runtime)].filter((path) => (statSync(path).mode & 0o077) !== 0 && !path.endsWith(".pub"));
    expect(open).toEqual([]);
    for (const path of [runtime, join(runtime, "box"), join(folder, "data/glowplug/machines/box")]) expect(statSync(path).mode & 0o777, path).toBe(0o700);
  });
});

describe("hooks of a script", () => {
  it("fire in order, with what they may change", async () => {
    const { folder } = worldWith();
    world.write("box.ts", `import { appendFileSync } from "node:fs";
const say = (line) => appendFileSync(${JSON.stringify(join(folder, "said"))}, line + "\\n");
export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "slirp", podman: false,
  beforeDownload: ({ image }) => say("beforeDownload " + image.kind),
  ignition: ({ guest }) => { guest.file({ path: "/etc/motd", content: "hi" }); say("ignition " + guest.hostname); },
  beforeBoot: ({ boot }) => { boot.vm.set("-name", "other").add("-device", "usb-kbd"); say("beforeBoot"); },
  afterStart: async ({ ssh }) => say("afterStart " + (await ssh.exec("echo in the guest")).stdout.trim()),
  beforeStop: async ({ ssh }) => say("beforeStop " + (await ssh.exec("echo still")).stdout.trim()),
};`);
    await world.ok("up", "./box.ts");
    await world.ok("stop", "box");
    expect(readFileSync(join(folder, "said"), "utf8").trim().split("\n")).toEqual(["beforeDownload local", "ignition box", "beforeBoot", "afterStart in the guest", "beforeStop still"]);
    const [call] = world.fakes?.calls("qemu-system-x86_64").filter(({ kind }) => kind === "run") ?? [];
    expect(call?.argv).toEqual(expect.arrayContaining(["-name", "other", "-device", "usb-kbd"]));
    expect(JSON.parse(readFileSync(join(folder, "data/glowplug/machines/box/ignition.json"), "utf8")).storage.files.map((file: { path: string }) => file.path)).toContain("/etc/motd");
  });

  it("that fail in afterStart make start fail, and leave the machine up", async () => {
    worldWith();
    world.write("box.ts", script('afterStart() { throw new Error("no luck"); }'));
    expect(await world.glowplug("up", "./box.ts")).toMatchObject({ code: 125, stderr: expect.stringContaining("plugin box.ts failed in hook afterStart: no luck") });
    expect(JSON.parse(await world.ok("inspect", "box"))[0]).toMatchObject({ State: "running" });
  });

  it("that fail in beforeStop are a warning", async () => {
    worldWith();
    world.write("box.ts", script('beforeStop() { throw new Error("no luck"); }'));
    await world.ok("up", "./box.ts");
    expect(await world.glowplug("stop", "box")).toMatchObject({ code: 0, stderr: expect.stringContaining("no luck") });
  });

  it("are left out by a forced stop, whose script may be broken", async () => {
    worldWith();
    world.write("box.ts", script());
    await world.ok("up", "./box.ts");
    world.write("box.ts", "export default {{{");
    await world.ok("stop", "--force", "box");
    await world.ok("rm", "--force", "box");
  });
});

import { chmodSync, lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { writeRawDisk } from "../support/disks.ts";
import { connectAs, isRoot, OrdinaryWorld, ordinaryUser } from "../support/other-user.ts";
import { filesBelow, processesOf, run } from "../support/world.ts";

let world: OrdinaryWorld;
afterEach(async () => world.close());

/** The whole life of a machine as an ordinary user, started with that umask. */
async function live(umask: number, during: () => Promise<void>): Promise<void> {
  world = new OrdinaryWorld();
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  world.write("box.yaml", "image: ./base.raw\ndisk: 1GiB\ncpus: 1\nmemory: 256MiB\nforwarder: gvproxy\n");
  world.own();
  const before = process.umask(umask);
  try {
    await world.ok("up", "./box.yaml");
    await during();
    await world.ok("stop", "box");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
    await world.ok("up", "./box.yaml");
    await world.ok("rm", "--force", "box");
    expect([...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([]);
  } finally {
    process.umask(before);
  }
}

/** Every file, folder and socket of ours that somebody else may do something with. Public keys are meant to be read, links have no rights. */
function openToOthers(): string[] {
  const { folder } = world;
  return ["data/glowplug", "cache", "run/glowplug"].flatMap((name) => [join(folder, name), ...readdirSync(join(folder, name), { recursive: true, encoding: "utf8" }).map((path) => join(folder, name, path))])
    .filter((path) => !lstatSync(path).isSymbolicLink() && !path.endsWith(".pub") && (statSync(path).mode & 0o077) !== 0);
}

describe("an ordinary user's machine", () => {
  it.each(["077", "777"])("lives, and what it consists of is closed to others, under umask %s", async (umask) => {
    await live(Number.parseInt(umask, 8), async () => {
      expect(await world.ok("exec", "box", "echo", "a b")).toBe("a b\n");
      expect(openToOthers()).toEqual([]);
    });
  });

  it("has sockets and keys that nobody else gets at, by their folder's mode and by their own", async () => {
    await live(0, async () => {
      const { folder, runtime } = world;
      expect(openToOthers()).toEqual([]);
      const sockets = filesBelow(join(runtime, "box")).filter((path) => lstatSync(path).isSocket() && !path.endsWith("/fake-api.sock"));
      expect(sockets.map((path) => path.slice(runtime.length + 1)).sort()).toEqual(["box/console.sock", "box/keeper.sock", "box/net/api.sock", "box/net/vm.sock", "box/podman.sock", "box/qmp.sock", "box/ready.sock", "box/root.sock"]);
      const key = join(folder, "data/glowplug/machines/box/id_ed25519");
      const modes = Object.fromEntries([...sockets, key].map((path) => [path, statSync(path).mode & 0o077]));
      expect(Object.values(modes).every((mode) => mode === 0)).toBe(true);
      if (!isRoot) return;
      const stranger = ordinaryUser + 1;
      // The way there is open to everybody, as in /run and /tmp; our own folder then stops them.
      for (const path of [folder, join(folder, "run"), join(folder, "data")]) chmodSync(path, 0o755);
      for (const path of sockets) expect(await connectAs(stranger, path), path).toBe("EACCES");
      expect(await run("/bin/cat", [key], { uid: stranger, cwd: "/" })).toMatchObject({ code: 1, stdout: "" });
      // With these open too, the modes of the sockets and of the key do.
      for (const path of [runtime, join(runtime, "box"), join(runtime, "box/net"), join(folder, "data/glowplug"), join(folder, "data/glowplug/machines"), join(folder, "data/glowplug/machines/box")]) chmodSync(path, 0o755);
      for (const path of sockets) expect(await connectAs(stranger, path), path).toBe("EACCES");
      expect(await run("/bin/cat", [key], { uid: stranger, cwd: "/" })).toMatchObject({ code: 1, stdout: "" });
      expect(await connectAs(ordinaryUser, join(runtime, "box/keeper.sock"))).toBe("connected");
    });
  });
});

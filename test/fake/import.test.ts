import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { makeKeyPair, fingerprint } from "../../core/keys.ts";
import { writeRawDisk } from "../support/disks.ts";
import { run, World } from "../support/world.ts";

let world: World;
afterEach(async () => world.close());

const keys = makeKeyPair("podman");
const hostKeys = makeKeyPair("guest");

/** A machine of podman 4's as its files have it, on a guest whose host key stands nowhere on this host. */
function podmanMachine(changes: object = {}): { readonly record: string; readonly image: string; readonly key: string } {
  world = new World({ qemu: { hostKey: hostKeys.privateKey, authorizedKey: keys.publicKey } });
  world.env["XDG_DATA_HOME"] = join(world.folder, "data");
  const [config, data] = [join(world.folder, "config/containers/podman/machine/qemu"), join(world.folder, "data/containers/podman/machine/qemu")];
  for (const folder of [config, data]) mkdirSync(folder, { recursive: true });
  const image = join(data, "old.raw");
  writeRawDisk(image, { size: 64 * 2 ** 20 });
  const key = join(world.folder, "home/.ssh/old");
  mkdirSync(dirname(key), { recursive: true });
  writeFileSync(key, keys.privateKey, { mode: 0o600 });
  writeFileSync(`${key}.pub`, `${keys.publicKey}\n`);
  writeFileSync(join(config, "old.ign"), '{"ignition":{"version":"3.2.0"}}');
  const record = join(config, "old.json");
  writeFileSync(record, JSON.stringify({
    CmdLine: [], Rootful: true, UID: 1000, IgnitionFilePath: { Path: join(config, "old.ign") }, ImagePath: { Path: image }, Mounts: [], Name: "old", CPUs: 1, DiskSize: 1, Memory: 256,
    IdentityPath: key, Port: 40999, RemoteUsername: "core", Created: "2026-01-02T03:04:05Z", LastUp: "2026-02-02T03:04:05Z", ...changes,
  }));
  return { record, image, key };
}
const look = (paths: readonly string[]): readonly unknown[] => paths.map((path) => [statSync(path).mtimeMs, readFileSync(path).length]);

it("a machine of podman's is taken over, left as it was, and its host key is learned once", async () => {
  const theirs = podmanMachine();
  const before = look(Object.values(theirs));
  expect(await world.ok("import", "old", "mine")).toBe("Machine import complete\nTo start your machine run:\n\n\tglowplug start mine\n\n");
  interface Shown { readonly SSHConfig: object; readonly Resources: object; readonly Rootful: boolean; readonly LastUp: string; readonly HostKey: string }
  const inspect = async (): Promise<Shown> => (JSON.parse(await world.ok("inspect", "mine")) as Shown[])[0] as Shown;
  expect(await inspect()).toMatchObject({ SSHConfig: { Port: 40999, RemoteUsername: "core" }, Resources: { CPUs: 1, DiskSize: 1, Memory: 256 }, Rootful: true, LastUp: "2026-02-02T03:04:05Z", HostKey: "" });

  const started = await world.glowplug("start", "mine");
  expect(started).toMatchObject({ code: 0, stderr: expect.stringContaining(`nobody knew the host key of mine yet: the guest showed ${fingerprint(hostKeys.publicKey)}, and no other is taken from now on`) as string });
  expect((await inspect()).HostKey).toBe(hostKeys.publicKey.split(" ").slice(0, 2).join(" "));
  expect(readFileSync(join(world.folder, "data/glowplug/machines/mine/known_hosts"), "utf8")).toBe(`mine ${(await inspect()).HostKey}\n`);
  expect(await world.ok("exec", "mine", "echo", "hello")).toBe("hello\n");
  await world.ok("stop", "mine");
  expect((await world.glowplug("start", "mine")).stderr).not.toContain("host key");
  expect(look(Object.values(theirs))).toEqual(before);
});

it("a guest that writes no ready line is up when a login works", async () => {
  podmanMachine();
  world.fakes?.behave({ qemu: { hostKey: hostKeys.privateKey, authorizedKey: keys.publicKey, noReady: true } });
  await world.ok("import", "old");
  await world.ok("start", "old");
  expect(await world.ok("exec", "old", "echo", "hello")).toBe("hello\n");
});

it("nothing is taken over that is not there, not whole, or running", async () => {
  const { image } = podmanMachine();
  expect(await world.glowplug("import", "odl")).toMatchObject({ code: 125, stderr: expect.stringContaining('podman machine has no machine "odl"') as string });
  const qemu = run("/bin/sh", ["-c", "sleep 5 # $0", image], { env: world.env });
  expect(await world.glowplug("import", "old")).toMatchObject({ code: 125, stderr: expect.stringMatching(/podman's machine old is running \(process \d+\)\nhint: Stop it first: podman machine stop old/) as string });
  await qemu;
  podmanMachine({ ImagePath: { Path: "/nothing" } });
  expect(await world.glowplug("import", "old")).toMatchObject({ code: 125, stderr: expect.stringContaining("/nothing is not there, which podman's record of old names") as string });
  expect(await world.ok("list", "--quiet")).toBe("");
});

import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { World } from "../support/world.ts";

/** A host without virtiofsd: QEMU serves the folders itself. */
describe("volumes over 9p", () => {
  let world: World;
  let started: string;
  const folder = (name: string): string => join(world.folder, "work", name);
  const inGuest = (line: string): Promise<string> => world.ok("ssh", "web", line);

  beforeAll(async () => {
    world = new World();
    for (const name of ["src", "fixed", "with space"]) mkdirSync(folder(name));
    writeFileSync(folder("fixed/page"), "from the host\n");
    // QEMU gives what is made to whoever made it, as far as it may; this test may be root's.
    for (const name of ["src", "with space"]) chownSync(folder(name), 1000, 1000);
    world.write("web.ts", `import qemu from "glowplug/plugins/launchers/qemu";
export default {
  cpus: 2, memory: "1GiB", disk: "8GiB", image: "debian-bootstrap", launcher: qemu({ virtiofsd: false }), forwarder: "slirp", podman: false,
  volumes: ["./src:/srv/src", "./fixed:/mnt/fixed:ro", { source: "./with space", target: "/data/with space" }],
};
`);
    await world.ok("init", "./web.ts");
    const start = await world.glowplug("start", "web");
    expect(start.code, start.stderr).toBe(0);
    started = start.stderr;
  });
  afterAll(() => world.close());

  it("are said to be slow", () => {
    expect(started).toContain("Volumes go over 9p, which is slow: install virtiofsd for virtiofs.");
  });

  it("are there, below folders that were made for them, and hold what the guest writes", async () => {
    expect(await inGuest("findmnt -n -o TARGET,FSTYPE -t 9p --raw | sort")).toBe("/data/with\\x20space 9p\n/mnt/fixed 9p\n/srv/src 9p\n");
    await inGuest("echo mine > /srv/src/core; echo spaced > '/data/with space/file'; chmod 600 /srv/src/core");
    expect([readFileSync(folder("src/core"), "utf8"), readFileSync(folder("with space/file"), "utf8")]).toEqual(["mine\n", "spaced\n"]);
    expect(statSync(folder("src/core")).mode & 0o777).toBe(0o600);
  });

  it("hold against the guest's root where they are read-only", async () => {
    const tried = await world.glowplug("ssh", "web", "sudo sh -c 'mount -o remount,rw /mnt/fixed; findmnt -n -o OPTIONS /mnt/fixed; echo no > /mnt/fixed/page; echo no > /mnt/fixed/new; rm /mnt/fixed/page'");
    expect(tried).toMatchObject({ code: 1, stdout: expect.stringMatching(/^rw,/) as string });
    expect([readFileSync(folder("fixed/page"), "utf8"), existsSync(folder("fixed/new"))]).toEqual(["from the host\n", false]);
  });

  it("come with the next start where QEMU can add none", async () => {
    mkdirSync(folder("later"));
    expect(await world.ok("volume", "add", "web", "later:/mnt/later")).toBe(`${folder("later")} is /mnt/later in web, from the next start on\n`);
    await world.ok("restart", "web");
    expect(await inGuest("findmnt -n -o FSTYPE /mnt/later")).toBe("9p\n");
  });
});

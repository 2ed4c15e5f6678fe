import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { World } from "../support/world.ts";

/** Volumes of a real guest, over the real virtiofsd: one machine, one restart. */
describe("volumes of a real guest", () => {
  let world: World;
  const folder = (name: string): string => join(world.folder, "work", name);
  const inGuest = (line: string): Promise<string> => world.ok("ssh", "web", line);

  beforeAll(async () => {
    world = new World();
    for (const name of ["src", "fixed", "with space", "later"]) mkdirSync(folder(name));
    writeFileSync(folder("fixed/page"), "from the host\n");
    world.write("web.ts", `export default {
  cpus: 2, memory: "2GiB", disk: "12GiB", image: "debian-bootstrap", forwarder: "gvproxy",
  volumes: ["./src:/srv/src", "./fixed:/mnt/fixed:ro", { source: "./with space", target: "/data/with space" }],
};
`);
    await world.ok("up", "./web.ts");
  });
  afterAll(() => world.close());

  it("has volumes, and what anybody writes there is the host user's on the host", async () => {
    await inGuest("echo mine > /srv/src/core; sudo sh -c 'echo root > /srv/src/root'; echo spaced > '/data/with space/file'; chmod 600 /srv/src/core");
    for (const name of ["src/core", "src/root", "with space/file"]) expect([name, statSync(folder(name)).uid, statSync(folder(name)).gid]).toEqual([name, process.getuid?.(), process.getgid?.()]);
    expect(readFileSync(folder("with space/file"), "utf8")).toBe("spaced\n");
    expect(await inGuest("stat -c %U /srv/src /srv/src/core /srv/src/root; findmnt -n -o FSTYPE /srv/src")).toBe("core\ncore\ncore\nvirtiofs\n");
  });

  it("cannot write a read-only volume, not even as root after mounting it anew", async () => {
    expect(await inGuest("cat /mnt/fixed/page")).toBe("from the host\n");
    const tried = await world.glowplug("ssh", "web", "sudo sh -c 'mount -o remount,rw /mnt/fixed; echo no > /mnt/fixed/page; echo no > /mnt/fixed/new; rm /mnt/fixed/page'");
    expect(tried).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot create \/mnt\/fixed\/page|Read-only file system/) as string });
    expect(readFileSync(folder("fixed/page"), "utf8")).toBe("from the host\n");
  });

  it("runs containers that write into volumes, rootless as root and as the user, and rootful", async () => {
    await inGuest("mkdir -p ctx && cp /bin/busybox ctx/ && printf 'FROM scratch\\nCOPY busybox /bin/busybox\\n' > ctx/Containerfile && podman build -q -t bb ctx && podman save -q bb | sudo podman load -q");
    const write = (name: string): string => `bb /bin/busybox sh -c "echo ${name} > /v/${name} && /bin/busybox chown 7:7 /v/${name}"`;
    await inGuest(`podman run --rm -v /srv/src:/v ${write("rootless")}`);
    await inGuest(`podman run --rm --userns=keep-id -v /srv/src:/v bb /bin/busybox sh -c "echo kept > /v/kept"`);
    await inGuest(`sudo podman run --rm -v /srv/src:/v ${write("rootful")}`);
    for (const name of ["rootless", "kept", "rootful"]) expect([name, statSync(folder(`src/${name}`)).uid]).toEqual([name, process.getuid?.()]);
  });

  it("gets a volume while it runs, and gives it back", async () => {
    writeFileSync(folder("later/page"), "plugged\n");
    await world.ok("volume", "add", "web", "later:/mnt/later");
    expect(await inGuest("cat /mnt/later/page; echo back > /mnt/later/answer")).toBe("plugged\n");
    expect(readFileSync(folder("later/answer"), "utf8")).toBe("back\n");
    expect(JSON.parse(await world.ok("volume", "ls", "web", "--json"))).toContainEqual({ Source: folder("later"), Target: "/mnt/later", Mode: "rw", Type: "virtiofs", Status: "mounted" });
    await world.ok("volume", "rm", "web", "/srv/src");
    expect(await inGuest("ls /srv/src; findmnt -n -o TARGET -t virtiofs | sort; systemctl --failed --no-legend --plain")).toBe("/data/with space\n/mnt/fixed\n/mnt/later\n");
    expect(JSON.parse(await world.ok("inspect", "web"))).toMatchObject([{ Condition: "ok", Reason: "" }]);
  });

  it("has its volumes from its own boot on, and the same after a restart", async () => {
    await world.ok("restart", "web");
    expect(await inGuest("cat /mnt/later/page /mnt/fixed/page; findmnt -n -o TARGET -t virtiofs | sort")).toBe("plugged\nfrom the host\n/data/with space\n/mnt/fixed\n/mnt/later\n");
    expect(await inGuest("systemctl --failed --no-legend --plain; systemctl show -p ActiveEnterTimestampMonotonic --value mnt-later.mount ssh.service | sort -n | head -1 | xargs -I{} test {} = $(systemctl show -p ActiveEnterTimestampMonotonic --value mnt-later.mount) && echo before ssh")).toBe("before ssh\n");
  });
});

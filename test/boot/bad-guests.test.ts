import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspectIn } from "../support/inspected.ts";
import { filesBelow, processesOf, World, type Ended } from "../support/world.ts";

/** Guests that lack what a machine stands on, all three at once: each start ends with the reason. */
describe("a real guest without", () => {
  let world: World;
  let ended: Readonly<Record<string, Ended>>;

  beforeAll(async () => {
    world = new World();
    // A shell takes systemd's place once Ignition is done: the guest boots, and nobody says so.
    world.write("bad.ts", `const common = { image: "debian-bootstrap", forwarder: "slirp", cpus: 1, memory: "512MiB", disk: "8GiB" };
export default {
  "no-sudo": { ...common, run: ["rm /usr/bin/sudo"] },
  "no-podman": { ...common, run: ["rm /usr/bin/podman"] },
  "no-systemd": { ...common, files: [{ path: "/usr/lib/systemd/systemd", mode: 0o755, content: "#!/bin/sh\\necho no systemd in here > /dev/console\\nwhile :; do sleep 60; done\\n" }] },
};\n`);
    const names = ["no-sudo", "no-podman", "no-systemd"];
    await world.ok("init", "./bad.ts");
    const starts = await Promise.all(names.map((name) => world.glowplug("start", name, ...(name === "no-systemd" ? ["--deadline", "ready=120s"] : []))));
    ended = Object.fromEntries(names.map((name, index) => [name, starts[index] as Ended]));
  });
  afterAll(() => world.close());

  it("sudo tells that its user cannot act as root, and what an image needs; it stays up, for whoever wants to mend it", async () => {
    expect(ended["no-sudo"]).toMatchObject({ code: 125, stderr: expect.stringMatching(/^Error: core cannot act as root in the guest: it has no sudo\b[^\n]*\n[\s\S]*^hint: An image needs sudo, [^\n]*--username root$/m) as string });
    expect(await inspectIn(world, "no-sudo")).toMatchObject({ State: "running", Condition: "degraded", Reason: expect.stringMatching(/^its start did not get to its end: core cannot act as root in the guest: it has no sudo; `glowplug start no-sudo` goes on with it$/) as string });
    expect(await world.ok("ssh", "--username", "root", "no-sudo", "id -un")).toBe("root\n");
    expect(await world.glowplug("stop", "no-sudo")).toMatchObject({ code: 0 });
  });

  it("podman tells that it has none, and what to choose", () => {
    expect(ended["no-podman"]).toMatchObject({ code: 125, stderr: expect.stringMatching(/^Error: the guest has no podman: take an image that has it or can install it, or make the machine without: podman: false/m) as string });
  });

  it("systemd tells how long it waited for it, and its console's last words", () => {
    expect(ended["no-systemd"]).toMatchObject({ code: 125, stderr: expect.stringMatching(/^Error: [^\n]*(?:2 min|120 s)[\s\S]*no systemd in here[\s\S]*^hint: /m) as string });
  });

  it("any of these is gone without a trace", async () => {
    expect(processesOf(world.folder)).toEqual([]);
    await world.ok("rm", "--force", "./bad.ts");
    expect([...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([]);
  });
});

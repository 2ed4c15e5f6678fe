import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { inspectIn, type Inspected } from "../support/inspected.ts";
import { filesBelow, processesOf, World } from "../support/world.ts";

const MiB = 2 ** 20;

/** One real machine with a volume and a port, and what may befall it: one after the other, each time it is well again, until its guest powers off. */
describe("a real machine that nobody looks after", () => {
  let world: World;
  let published: number;

  const inspect = (): Promise<Inspected> => inspectIn(world, "web");
  const pidOf = async (name: string): Promise<number> => (await inspect()).Processes.find(({ Name }) => Name === name)?.Pid ?? Number.NaN;
  const inGuest = (line: string): Promise<string> => world.ok("ssh", "web", line);
  const bootId = (): Promise<string> => inGuest("cat /proc/sys/kernel/random/boot_id");
  /** For what comes by itself on a slow host; a boot is among it. */
  const settled = { timeout: 400_000, interval: 500 };

  beforeAll(async () => {
    world = new World();
    published = await freePort();
    mkdirSync(join(world.folder, "work/src"));
    writeFileSync(join(world.folder, "work/src/page"), "from the host\n");
    world.write("web.ts", `import qemu from "glowplug/plugins/launchers/qemu";
export default {
  cpus: 2, memory: "2GiB", disk: "12GiB", image: "debian-bootstrap", forwarder: "gvproxy", restart: "on-failure",
  // A second monitor, beside the keeper's.
  launcher: qemu({ args: ["-qmp", "unix:${join(world.folder, "second.sock")},server=on,wait=off"] }),
  ports: ["127.0.0.1:${published}:7000"], volumes: ["./src:/srv/src"],
  units: [{ name: "answer.service", content: "[Service]\\nExecStart=/bin/busybox httpd -f -p 7000 -h /etc\\n[Install]\\nWantedBy=multi-user.target\\n" }],
};
`);
    await world.ok("up", "./web.ts");
  });
  afterAll(() => world.close());

  /** Everything that leads into the guest, and what it has of the host. */
  async function expectWell(): Promise<void> {
    expect((await fetch(`http://127.0.0.1:${published}/hostname`, { headers: { connection: "close" } })).status).toBe(200);
    const sent = request({ socketPath: join(world.runtime, "web/podman.sock"), path: "/_ping", headers: { host: "localhost" } }).end();
    const [answer] = (await once(sent, "response")) as [{ statusCode: number; resume(): void }];
    answer.resume();
    expect(answer.statusCode).toBe(200);
    expect(await inGuest("cat /srv/src/page; echo from the guest > /srv/src/answer; findmnt -n -o FSTYPE /srv/src; systemctl --failed --no-legend --plain")).toBe("from the host\nvirtiofs\n");
    expect(readFileSync(join(world.folder, "work/src/answer"), "utf8")).toBe("from the guest\n");
    expect(await inspect()).toMatchObject({ State: "running", Condition: "ok", Reason: "" });
  }

  /** Resident memory of QEMU, as the host counts it. */
  async function resident(): Promise<number> {
    const [, kiB] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${await pidOf("qemu")}/status`, "utf8")) ?? [];
    return Number(kiB) * 1024;
  }

  it("gives the host back the memory that its guest has freed", async () => {
    const before = await resident();
    await inGuest("sudo mkdir -p /mnt/memory && sudo mount -t tmpfs -o size=1G memory /mnt/memory && sudo dd if=/dev/zero of=/mnt/memory/full bs=1M count=700 status=none");
    const full = await resident();
    expect(full - before).toBeGreaterThan(500 * MiB);
    await inGuest("sudo umount /mnt/memory");
    await expect.poll(resident, settled).toBeLessThan(full - 500 * MiB);
  });

  it("gives the host back the blocks that its guest has freed", async () => {
    const allocated = (): number => statSync(join(world.folder, "data/glowplug/machines/web/disk.qcow2")).blocks * 512;
    const before = allocated();
    await inGuest("dd if=/dev/urandom of=full bs=1M count=300 status=none && sync");
    const full = allocated();
    expect(full - before).toBeGreaterThan(280 * MiB);
    await inGuest("rm full && sync && sudo fstrim /");
    await expect.poll(allocated, settled).toBeLessThan(full - 280 * MiB);
    // By itself, now and then.
    expect(await inGuest("systemctl is-active fstrim.timer")).toBe("active\n");
  });

  it("has the right time in its guest after it stood still", async () => {
    const monitor = connect(join(world.folder, "second.sock"));
    const lines = createInterface(monitor)[Symbol.asyncIterator]();
    const order = async (execute: string): Promise<void> => {
      monitor.write(`${JSON.stringify({ execute })}\n`);
      for (let line = ""; !line.includes('"return"'); ) line = String((await lines.next()).value);
    };
    for (const command of ["qmp_capabilities", "stop"]) await order(command);
    // So long it stands still: a guest knows nothing of it.
    await pause(15_000);
    await order("cont");
    monitor.destroy();
    const offMs = async (): Promise<number> => {
      const asked = Date.now();
      const guest = Number(await inGuest("date +%s.%N")) * 1000;
      return Math.max(asked - guest, guest - Date.now(), 0);
    };
    await expect.poll(offMs, settled).toBeLessThan(5000);
    await expect.poll(() => readFileSync(join(world.folder, "data/glowplug/machines/web/logs/events.jsonl"), "utf8"), settled).toMatch(/"the guest's clock was \d\d\.\d s behind, and was set"/);
    expect(await offMs()).toBeLessThan(5000);
    await expectWell();
  });

  it("has its volume again when virtiofsd is killed, without a boot", async () => {
    const before = await bootId();
    const killed = await pidOf("virtiofsd /srv/src");
    // Who has a file open there gets an error. The shell of this one starts no program meanwhile: with a file open that would ask virtiofsd.
    await inGuest(`mkfifo /tmp/go && sudo systemd-run --quiet --unit holder sh -c 'exec 3< /srv/src/page; : > /run/open; read go < /tmp/go; read line <&3 || : > /run/failed' && until [ -e /run/open ]; do sleep 0.2; done`);
    process.kill(killed, "SIGKILL");
    await expect.poll(async () => [await pidOf("virtiofsd /srv/src"), (await inspect()).Condition], settled).toEqual([expect.toSatisfy((pid) => pid > 0 && pid !== killed), "ok"]);
    expect(await inGuest("echo > /tmp/go; until [ -e /run/failed ]; do sleep 0.2; done; timeout 60 sync && echo synced; ls /dev/glowplug-lost")).toBe("synced\n");
    await expectWell();
    expect(await bootId()).toBe(before);
  });

  it("has its ports, sockets and volumes again when its guest reboots by itself", async () => {
    const before = await bootId();
    await world.glowplug("ssh", "web", "sudo reboot");
    await expect.poll(inspect, settled).toMatchObject({ Condition: "degraded", Reason: expect.stringContaining("the guest is rebooting") as string });
    await expect.poll(inspect, settled).toMatchObject({ State: "running", Condition: "ok", Restarts: null });
    // Its own services need a moment more than its login.
    await vi.waitFor(expectWell, settled);
    expect(await bootId()).not.toBe(before);
  });

  it("has its volume again when virtiofsd is killed while the guest waits for it, and tells of what goes on waiting", async () => {
    const killed = await pidOf("virtiofsd /srv/src");
    // Stopped, it takes requests and answers none. Its own parent waits for it, in the same group of processes.
    process.kill(-killed, "SIGSTOP");
    await inGuest("sudo systemd-run --quiet --unit waiting --property TimeoutStopSec=1 cat /srv/src/page && until sudo grep -q request_wait_answer /proc/[0-9]*/wchan; do sleep 0.2; done");
    process.kill(killed, "SIGKILL");
    await expect.poll(async () => (await inspect()).Reason, settled).toBe("programs in the guest wait for /srv/src as it was before virtiofsd /srv/src ended; `glowplug restart web` ends that");
    expect(await inGuest("cat /srv/src/page")).toBe("from the host\n");
  });

  it("is started again when its guest panics, and tells why", async () => {
    await inGuest("sudo sh -c '(sleep 1; echo c > /proc/sysrq-trigger) > /dev/null 2>&1 &'");
    await expect.poll(inspect, settled).toMatchObject({ State: "running", Condition: "ok", Restarts: { Count: 1, Reason: "the guest panicked: sysrq triggered crash" } });
    await expectWell();
  });

  it("is started again when its VM is killed, and tells why", async () => {
    process.kill(await pidOf("qemu"), "SIGKILL");
    await expect.poll(inspect, settled).toMatchObject({ State: "running", Condition: "ok", Restarts: { Count: 2, Reason: "qemu was ended by SIGKILL" } });
    await expectWell();
  });

  it("is stopped when its guest powers off, with the reason and with nothing left", async () => {
    await world.glowplug("ssh", "web", "sudo poweroff");
    await expect.poll(inspect, settled).toMatchObject({ State: "stopped", Condition: "ok", Reason: expect.stringMatching(/^the guest powered off, at 20/) as string });
    await expect.poll(() => [processesOf(world.folder), filesBelow(world.runtime)], settled).toEqual([[], []]);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BootPlan, NetPlan, ResolvedPort } from "glowplug";
import { hostOfProcess } from "../../core/host.ts";
import { again } from "../../core/keeper/again.ts";
import { endChild, spawnChild } from "../../core/keeper/child.ts";
import { Exposer } from "../../core/keeper/expose.ts";
import { replugNic } from "../../core/keeper/replug.ts";
import { writePlannedFiles } from "../../core/planned-files.ts";
import gvproxy from "../../plugins/forwarders/gvproxy.ts";
import qemu from "../../plugins/launchers/qemu.ts";
import { makeArmDisk } from "../support/arm-guest.ts";
import { attach, type AttachedVm } from "../support/attach.ts";
import { startForwarder } from "../support/forwarder.ts";
import { freePort } from "../support/free-port.ts";

/** A real Linux for AArch64 on the launcher's own command line: firmware, disk, card behind a root port, ready port. Emulated wherever it runs. */
describe("a real AArch64 guest", () => {
  const folder = mkdtempSync(join(tmpdir(), "gp-"));
  const folders = { data: join(folder, "data"), runtime: join(folder, "run") };
  const log = (name: string): string => join(folder, `${name}.log`);
  const enders: (() => Promise<unknown>)[] = [];
  let net: NetPlan;
  let boot: BootPlan;
  let vm: AttachedVm;
  let port: ResolvedPort;
  let forwarder: { end(): Promise<void> };

  const startNetwork = async (name: string): Promise<void> => {
    if (!net.command) throw new Error("no forwarder planned");
    forwarder = await startForwarder({ command: net.command.toRecord(), listens: net.listens }, log(name), process.env);
  };
  const openPort = (): Promise<void> =>
    new Exposer(net.expose, { monitor: () => Promise.reject(new Error("not asked")), carry: () => Promise.reject(new Error("not asked")) }).open(port);
  /** The guest's page through the open port: its architecture, and the id of its boot. */
  const page = (): Promise<string> => again(async () => (await fetch(`http://127.0.0.1:${port.hostPort}/`)).text(), AbortSignal.timeout(60_000), () => false);

  beforeAll(async () => {
    for (const path of [folders.data, join(folders.runtime, "net")]) mkdirSync(path, { recursive: true });
    port = { host: "127.0.0.1", hostPort: await freePort(), guestPort: 80, protocol: "tcp" };
    const host = hostOfProcess();
    const common = { name: "arm", host, folders };
    const launcher = qemu();
    const disk = join(folders.data, "disk.raw");
    const seed = join(folders.data, "ignition.json");
    writeFileSync(seed, '{"ignition":{"version":"3.3.0"}}');
    await makeArmDisk(disk, launcher.ready.kind === "virtio-port" ? launcher.ready.name : "");
    net = await gvproxy().plan({ ...common, link: "unix-stream", mac: "5a:94:ef:e4:0c:ee", sshPort: await freePort(), ports: [], guestPorts: "any" });
    boot = await launcher.plan({
      ...common, arch: "aarch64", cpus: 2, memory: 2 ** 30, disk: { path: disk, format: "raw" }, seed: { kind: "ignition", path: seed },
      firstBoot: true, link: net.link, shares: [], guestUid: 1000, accelerator: "tcg", usb: [],
    });
    await writePlannedFiles(boot.files);
    await startNetwork("gvproxy");
    const child = await spawnChild(boot.vm.toRecord(), "vm", log("qemu"), process.env);
    enders.push(() => endChild(child, 2000));
    vm = await attach(boot, child.exited.then(() => Promise.reject(new Error(`QEMU ended; see ${log("qemu")}`))));
    await vm.qmp.execute("cont");
  });
  afterAll(async () => {
    for (const end of enders) await end();
    await forwarder.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it("starts by the firmware from the disk, and says that it is ready", async () => {
    await vm.printed("Linux version 6.");
    expect(await vm.ready.line).toBe("Ready");
  });

  it("gets its address from gvproxy, and is reached through a port of the host", async () => {
    await vm.printed("lease: eth0 has 192.168.127.2");
    await openPort();
    expect(await page()).toMatch(/^aarch64\n[0-9a-f-]{36}\n$/);
  });

  it("has its network again, without a boot, once another gvproxy runs in place of a killed one and the card is plugged anew", async () => {
    const before = await page();
    await forwarder.end();
    await startNetwork("another");
    expect(boot.replug).toBeDefined();
    await replugNic(vm.qmp, boot.replug ?? []);
    await openPort();
    expect(await page()).toBe(before);
  });
});

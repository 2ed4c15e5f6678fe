import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import file from "glowplug/plugins/images/file";
import { testMachine, type TestMachine } from "glowplug/testing";
import { processesOf, program, run } from "../support/world.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gp-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const gone = async (test: TestMachine): Promise<void> => {
  await test[Symbol.asyncDispose]();
  expect([processesOf(test.folder), existsSync(test.folder)]).toEqual([[], false]);
};

it("runs the real core on fake programs, and shows what plugins did", async () => {
  const test = await testMachine({
    name: "web", cpus: 3, files: [{ path: "/etc/greeting", content: "hello\n" }], units: [{ name: "a.service", content: "[Service]\nExecStart=/bin/true\n" }],
    beforeBoot: ({ boot }) => void boot.vm.add("-device", "virtio-keyboard-pci"),
    afterStart: async ({ ssh, log }) => log((await ssh.exec("cat /etc/greeting /etc/hostname")).stdout),
  });
  try {
    expect([test.file("/etc/greeting"), test.file("/etc/nothing")]).toEqual(["hello\n", undefined]);
    expect(test.guest.units.map(({ name }) => name)).toContain("a.service");
    expect(test.told).toContain("info: script: hello\nweb\n");
    expect(test.commands().at(-1)).toEqual({ user: "core", command: "cat /etc/greeting /etc/hostname" });
    const [vm] = test.calls("qemu-system-x86_64");
    expect(vm?.argv).toEqual(expect.arrayContaining(["-smp", "3", "virtio-keyboard-pci"]));
    expect((await test.machine.status()).state).toBe("running");
    expect(await test.machine.exec(["cat", "/etc/greeting"])).toMatchObject({ exitCode: 0, stdout: "hello\n" });
    await test.machine.stop();
    expect((await test.machine.status()).state).toBe("stopped");
  } finally {
    await gone(test);
  }
});

it("plays a guest that reads cloud-init's seed, as often as it boots", async () => {
  const test = await testMachine({
    name: "web", image: file({ path: "./cloud.qcow2", firstBoot: "cloud-init", user: "debian" }), files: [{ path: "/etc/greeting", content: "hello\n" }],
    afterStart: async ({ ssh, log }) => log((await ssh.exec("cat /etc/greeting")).stdout),
  });
  try {
    const seed = join(test.folder, "data_home/glowplug/machines/web/seed.iso");
    expect(statSync(seed).mode & 0o777).toBe(0o600);
    expect(test.commands().at(-1)).toEqual({ user: "debian", command: "cat /etc/greeting" });
    await test.machine.stop();
    await test.machine.start();
    expect(test.told.filter((line) => line === "info: script: hello\n")).toHaveLength(2);
    const argvs = test.calls("qemu-system-x86_64").map(({ argv }) => argv);
    expect(argvs.map((argv) => argv.filter((word) => word.includes("seed")))).toEqual(Array.from({ length: 2 }, () => [`if=none,id=seed,file=${seed},format=raw,readonly=on`, "virtio-blk-pci,drive=seed"]));
    expect((await test.machine.plan()).firstBoot).toMatchObject({ kind: "nocloud", text: expect.stringMatching(/^==> meta-data <==\n[^]*\n==> user-data <==\n#cloud-config\n/) as string });
  } finally {
    await gone(test);
  }
});

it("only makes the machine when told so, and plans it then", async () => {
  const test = await testMachine({ name: "web" }, { start: false });
  expect((await test.machine.status()).state).toBe("stopped");
  expect((await test.machine.plan()).exists).toBe(true);
  expect(test.calls().map((call) => `${call.program} ${call.kind}`)).toEqual(["qemu-img create"]);
  await gone(test);
});

it("has nothing of this host but what the test names", async () => {
  const mine = join(folder, "mine");
  writeFileSync(mine, "#!/bin/sh\necho 'mine 1.2'\n");
  chmodSync(mine, 0o755);
  const found: (string | undefined)[] = [];
  const test = await testMachine({
    ignition: async ({ host }) => {
      found.push(host.find("podman"), host.find("sh"), host.find("mine"), host.os, host.arch);
      found.push((await host.probe(host.find("mine") ?? "", [])).stdout);
    },
  }, { start: false, programs: { mine } });
  await gone(test);
  expect(found).toEqual([undefined, undefined, mine, "linux", "x86_64", "mine 1.2\n"]);
});

it("throws what a start throws, and leaves nothing", async () => {
  const own = mkdtempSync(join(folder, "t-"));
  vi.stubEnv("TMPDIR", own);
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(testMachine({ name: "web" }, { fakes: { qemu: { exitAtStart: "out of order" } } })).rejects.toMatchObject({ code: "vm-exited", details: [expect.stringContaining("out of order")] });
  await expect(testMachine({ name: "web", afterStart() { throw new Error("no luck"); } })).rejects.toMatchObject({ code: "hook-failed", message: "plugin script failed in hook afterStart: no luck" });
  await expect(testMachine({ cpus: 0 })).rejects.toMatchObject({ code: "bad-spec" });
  // tsx keeps its cache in the temporary folder.
  expect([readdirSync(own).filter((name) => !name.startsWith("tsx-")), processesOf(own)]).toEqual([[], []]);
});

it("answers commands of the guest as the test says", async () => {
  const test = await testMachine({ name: "web" }, { fakes: { qemu: { commands: [{ match: "^uname", run: "echo Linux 9.9" }] } } });
  try {
    expect(await test.machine.exec("uname -sr")).toMatchObject({ stdout: "Linux 9.9\n" });
  } finally {
    await gone(test);
  }
});

it("works from the built package, on plain node", async () => {
  const built = pathToFileURL(join(program, "../testing.js")).href;
  const { code, stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", `
    import { contractOf, testMachine } from ${JSON.stringify(built)};
    import qemu from ${JSON.stringify(new URL("plugins/launchers/qemu.js", built).href)};
    for (const { run } of contractOf("launcher", () => qemu())) await run();
    const test = await testMachine({ name: "web", files: [{ path: "/etc/greeting", content: "hello" }] });
    const { stdout } = await test.machine.exec("cat /etc/greeting");
    await test[Symbol.asyncDispose]();
    console.log(stdout);
  `]);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "hello\n", stderr: "" });
});

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { commandLine, playKeeper } from "./command-line.ts";

interface Info {
  readonly Host: Readonly<Record<string, unknown>>;
  readonly Version: Readonly<Record<string, unknown>>;
}

test("info has podman's keys, of a host without machines", async () => {
  const { run, paths } = commandLine();
  const { status, stdout } = await run(["info", "--format", "json"]);
  const { Host, Version } = JSON.parse(stdout) as Info;
  expect(status).toBe(0);
  expect(Host).toMatchObject({ CurrentMachine: "", DefaultMachine: "", MachineState: "", NumberOfMachines: 0, VMType: "qemu", MachineConfigDir: paths.machines, MachineImageDir: paths.store });
  expect(Object.keys(Host).sort()).toEqual(["Arch", "CurrentMachine", "DefaultMachine", "EventsDir", "MachineConfigDir", "MachineImageDir", "MachineState", "NumberOfMachines", "OS", "VMType"]);
  expect(Object.keys(Version)).toEqual(["APIVersion", "Version", "GoVersion", "GitCommit", "BuiltTime", "Built", "OsArch", "Os", "NodeVersion"]);
});

test("info tells of the machine that runs, and of the one that podman's default leads to", async () => {
  const { run, add, paths } = commandLine();
  for (const name of ["old", "web"]) add(name);
  mkdirSync(dirname(paths.podman.connections), { recursive: true });
  writeFileSync(paths.podman.connections, '{"Connection":{"Default":"old-root"}}');
  expect(JSON.parse((await run(["machine", "info", "-f", "json"])).stdout)).toMatchObject({ Host: { CurrentMachine: "old", DefaultMachine: "old", MachineState: "Stopped", NumberOfMachines: 2 } });
  await playKeeper(paths, "web");
  expect((await run(["info", "--format", "{{.Host.CurrentMachine}} {{.Host.DefaultMachine}} {{.Host.MachineState}}"])).stdout).toBe("web old Running\n");
});

test("info is YAML with podman's small keys without a format, and takes podman's provider", async () => {
  const { run } = commandLine();
  const { stdout } = await run(["info"], { env: { CONTAINERS_MACHINE_PROVIDER: "applehv" } });
  expect(stdout).toMatch(/^host:\n {2}arch: \w+\n {2}currentmachine: ""\n/);
  expect(stdout).toContain("\n  vmtype: vfkit\nversion:\n  apiversion: ");
  expect(await run(["info"], { env: { CONTAINERS_MACHINE_PROVIDER: "bochs" } })).toMatchObject({ status: 125, stderr: expect.stringContaining("unknown VMType `bochs`") as string });
});

import { expect, test } from "vitest";
import { commandLine, playKeeper } from "./command-line.ts";

test("podman's keys come first, then ours", async () => {
  const { run, add, paths } = commandLine();
  add("web", { created: "2026-01-02T03:04:05.000Z", lastUp: "2026-01-03T03:04:05.000Z" });
  const { status, stdout, stderr } = await run(["inspect", "web"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.startsWith('[\n     {\n          "ConfigDir": {')).toBe(true);
  const [machine] = JSON.parse(stdout) as [Record<string, unknown>];
  const files = paths.machine("web");
  expect(machine).toMatchObject({
    ConfigDir: { Path: files.data }, ConnectionInfo: { PodmanSocket: { Path: files.apiSocket }, PodmanPipe: null },
    Created: "2026-01-02T03:04:05.000Z", LastUp: "2026-01-03T03:04:05.000Z", Name: "web",
    Resources: { CPUs: 2, DiskSize: 10, Memory: 2048, USBs: [] }, SSHConfig: { IdentityPath: files.key, Port: 40022, RemoteUsername: "core" },
    State: "stopped", UserModeNetworking: true, Rootful: false, Rosetta: false, Condition: "ok", Reason: "", Keeper: null,
  });
  expect(Object.keys(machine).slice(0, 11)).toEqual([
    "ConfigDir", "ConnectionInfo", "Created", "LastUp", "Name", "Resources", "SSHConfig", "State", "UserModeNetworking", "Rootful", "Rosetta",
  ]);
});

test("it tells what was handed to the guest, USB devices in podman's keys", async () => {
  const { run, add } = commandLine();
  const { spec } = add("web");
  add("web", { spec: { ...spec, swap: 2 ** 30, usb: ["bus=1,devnum=2", "vendor=1d6b,product=0002"], playbook: "/site.yml", importNativeCa: true } });
  const [machine] = JSON.parse((await run(["inspect", "web"])).stdout) as [Record<string, Record<string, unknown>>];
  expect(machine["Resources"]?.["USBs"]).toEqual([{ Bus: "1", DevNumber: "2", Vendor: 0, Product: 0 }, { Bus: "", DevNumber: "", Vendor: 0x1d6b, Product: 2 }]);
  expect(machine).toMatchObject({ SwapBytes: 2 ** 30, Playbook: "/site.yml", IgnitionPath: "", ImportNativeCA: true });
  expect((await run(["list", "--format", "{{.Swap}} {{json .Swap}}"])).stdout).toBe('1GiB "1073741824"\n');
});

test("it tells what was asked for and what runs", async () => {
  const { run, add, paths } = commandLine();
  add("web", { last: { accelerator: "kvm", accelerators: [{ name: "kvm", usable: true }, { name: "tcg", usable: true }], notes: [], ports: [] } });
  await playKeeper(paths, "web", { accelerator: "tcg", ports: [{ host: "0.0.0.0", hostPort: 1, guestPort: 2, protocol: "udp" }], children: [{ name: "vm", pid: 7, role: "vm" }] });
  const { stdout } = await run(["inspect", "--format", "{{.State}} {{.Accelerator.Asked}} {{.Accelerator.Effective}} {{json .Ports}} {{json .Processes}}", "web"]);
  expect(stdout).toBe('running kvm tcg [{"HostIP":"0.0.0.0","HostPort":1,"GuestPort":2,"Protocol":"udp"}] [{"Name":"vm","Role":"vm","Pid":7}]\n');
});

test("unknown names are told all together, after what was found", async () => {
  const { run, add } = commandLine();
  add("web");
  const { status, stdout, stderr } = await run(["inspect", "a", "web", "b"]);
  expect(status).toBe(125);
  expect((JSON.parse(stdout) as { Name: string }[]).map(({ Name }) => Name)).toEqual(["web"]);
  expect(stderr).toBe("Error: a: VM does not exist\nError: b: VM does not exist\nhint: `glowplug list` shows the machines, `glowplug init b` makes this one.\n");
  expect((await run(["inspect"])).stdout).toBe("[]\n");
});

test("with a template a machine that is not there is told, and not its fields; an unknown field in podman's words", async () => {
  const { run, add } = commandLine();
  expect(await run(["inspect", "--format", "{{.Name}}", "a"])).toMatchObject({ status: 125, stdout: "", stderr: expect.stringMatching(/^Error: a: VM does not exist\n/) as string });
  add("web");
  expect(await run(["inspect", "--format", "{{.Abcde}}", "web"])).toMatchObject({ status: 125, stdout: "", stderr: expect.stringContaining("can't evaluate field Abcde in type machine.InspectInfo") as string });
});

test("with --json an error is the one document on stdout", async () => {
  const { run } = commandLine();
  const { status, stdout, stderr } = await run(["inspect", "--json", "web"]);
  expect(status).toBe(125);
  expect(JSON.parse(stdout)).toEqual({ error: { code: "no-machine", message: "web: VM does not exist", hint: expect.stringContaining("glowplug list") as string } });
  expect(stderr).toMatch(/^Error: web: VM does not exist\n/);
});

test("templates take times in Go's layouts", async () => {
  const { run, add } = commandLine();
  add("web", { lastUp: "2026-07-15T12:00:00.000Z" });
  expect((await run(["inspect", "web", "--format", '{{.LastUp.Format "2006 Jan"}} {{.Resources.Memory}}'])).stdout).toBe("2026 Jul 2048\n");
});

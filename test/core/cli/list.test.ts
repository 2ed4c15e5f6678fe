import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { commandLine, playKeeper } from "./command-line.ts";

const day = 86_400_000;
function daysAgo(days: number): string {
  return new Date(Date.now() - days * day).toISOString();
}

test("without machines there is only the header", async () => {
  const { run } = commandLine();
  expect(await run(["list"])).toEqual({ status: 0, stdout: "NAME        VM TYPE     CREATED     LAST UP     CPUS        MEMORY      DISK SIZE\n", stderr: "" });
  expect(await run(["list", "--noheading"])).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(await run(["list", "--format", "json"])).toEqual({ status: 0, stdout: "[]\n", stderr: "" });
});

test("machines stand in podman's order and columns", async () => {
  const { run, add, paths } = commandLine();
  add("never", { created: daysAgo(3) });
  add("old", { created: daysAgo(30), lastUp: daysAgo(20) });
  add("default", { created: daysAgo(2), lastUp: daysAgo(1) });
  add("web", { created: daysAgo(40), lastUp: daysAgo(39) });
  add("boots", { created: daysAgo(4), lastUp: null });
  await playKeeper(paths, "web");
  await playKeeper(paths, "boots", { state: "starting" });
  const { stdout } = await run(["ls"]);
  expect(stdout.split("\n").map((line) => line.trimEnd())).toEqual([
    "NAME        VM TYPE     CREATED      LAST UP             CPUS        MEMORY      DISK SIZE",
    "web         launcher    5 weeks ago  Currently running   2           2GiB        10GiB",
    "default*    launcher    2 days ago   24 hours ago        2           2GiB        10GiB",
    "old         launcher    4 weeks ago  2 weeks ago         2           2GiB        10GiB",
    "boots       launcher    4 days ago   Currently starting  2           2GiB        10GiB",
    "never       launcher    3 days ago   Never               2           2GiB        10GiB",
    "",
  ]);
  expect((await run(["machine", "list", "-q"])).stdout).toBe("web\ndefault*\nold\nboots\nnever\n");
  expect((await run(["list", "-n", "--format", "table {{.Name}} {{.State}}"])).stdout.split("\n")[0]).toBe("web         running");
});

test("JSON has podman's keys with its types, then ours", async () => {
  const { run, add, paths } = commandLine();
  const { spec } = add("web");
  add("web", {
    created: "2026-01-02T03:04:05.000Z", lastUp: null,
    spec: { ...spec, script: "/srv/web.ts", ports: [{ host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" }] },
  });
  const { stdout, status } = await run(["list", "--format", "json"]);
  expect(status).toBe(0);
  expect(stdout.startsWith('[\n    {\n        "Name": "web"')).toBe(true);
  expect(JSON.parse(stdout)).toEqual([{
    Name: "web", Default: false, Created: "2026-01-02T03:04:05.000Z", Running: false, Starting: false, LastUp: "0001-01-01T00:00:00Z", Stream: "default", VMType: "launcher",
    CPUs: 2, Memory: "2147483648", Swap: "0", DiskSize: "10737418240", Port: 40022, RemoteUsername: "core", IdentityPath: paths.machine("web").key, UserModeNetworking: true,
    State: "stopped", Condition: "ok", Reason: "", Accelerator: { Asked: null, Effective: null }, Forwarder: "forwarder",
    Ports: [{ HostIP: "127.0.0.1", HostPort: 8080, GuestPort: 80, Protocol: "tcp" }], Image: "an image", Script: "/srv/web.ts",
  }]);
  expect(JSON.parse((await run(["--json", "list"])).stdout)).toEqual(JSON.parse(stdout));
  expect((await run(["list", "--format", "{{.Name}} {{.LastUp}} {{.Ports}} {{.Memory}} {{json .Memory}}"])).stdout).toBe('web Never 127.0.0.1:8080->80/tcp 2GiB "2147483648"\n');
  expect((await run(["list", "--format", "yaml"])).stdout).toContain('- Name: web\n  Default: false\n  Created: 2026-01-02T03:04:05.000Z\n');
});

test("a keeper's problems show as the condition", async () => {
  const { run, add, paths } = commandLine();
  add("web");
  await playKeeper(paths, "web", { problems: ["the forwarder died 3 times"] });
  expect((await run(["list", "--format", "{{.Condition}}: {{.Reason}}"])).stdout).toBe("degraded: the forwarder died 3 times\n");
});

test("a machine with a damaged record is shown as broken, and the others as ever", async () => {
  const { run, add, paths } = commandLine();
  add("good");
  mkdirSync(paths.machine("bad").data, { recursive: true });
  writeFileSync(paths.machine("bad").record, "{");
  const { status, stdout, stderr } = await run(["list", "--format", "{{.Name}} {{.Condition}}"]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "good ok\nbad broken\n" });
  expect(stderr).toBe(`Warning: the record of machine "bad" is damaged (${paths.machine("bad").record}): it is no JSON\n`);
  expect(JSON.parse((await run(["list", "--json"])).stdout)).toHaveLength(2);
});

test("an unknown field is an error, whether there are machines or not", async () => {
  const { run } = commandLine();
  const { status, stdout, stderr } = await run(["list", "--format", "{{.Memroy}}"]);
  expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
  expect(stderr).toMatch(/^Error: unknown field \.Memroy in the template: can't evaluate field Memroy in type \*entities\.ListReporter\nhint: Did you mean \.Memory\? The fields here are Name, /);
});

test("the star stands where podman's default connection leads, once there is one", async () => {
  const { run, add, paths } = commandLine();
  for (const name of ["default", "web"]) add(name);
  mkdirSync(dirname(paths.podman.connections), { recursive: true });
  writeFileSync(paths.podman.connections, '{"Connection":{"Default":"web-root"}}');
  expect((await run(["list", "-q"])).stdout).toBe("default\nweb*\n");
  expect((await run(["list", "--format", "{{.Default}}"])).stdout).toBe("false\ntrue\n");
});

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Connections } from "../../core/keeper/connections.ts";
import type { Keeper } from "../../core/keeper/keeper.ts";
import type { KeeperPlan } from "../../core/keeper/plan.ts";
import type { KeeperStatus } from "../../core/keeper/protocol.ts";
import { partsFor } from "../../core/keeper/parts.ts";
import { Journal } from "../../core/keeper/journal.ts";
import { serveKeeper } from "../../core/keeper/server.ts";
import { fingerprint, makeKeyPair } from "../../core/keys.ts";
import { identityOf } from "../../core/process-identity.ts";
import { renderKnownHosts, renderSshConfig } from "../../core/ssh-config.ts";
import { guestWithLogin, scratchFolder } from "../fixtures/login.ts";
import { run, unpackedTool } from "../support/world.ts";
import { commandLine } from "./cli/command-line.ts";

/**
 * A machine "web" that runs, and something else in its place: an ssh server that lets anybody in who has the machine's key, with another host
 * key than the machine's. `rightKey` makes it the machine's after all.
 */
async function impostor({ rightKey = false } = {}) {
  const line = commandLine();
  const files = line.paths.machine("web");
  const record = line.add("web");
  const api = join(scratchFolder(), "api.sock");
  const asked: string[] = [];
  const engine = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(200, { "libpod-api-version": "5.4.2", "api-version": "1.41", "content-type": "application/json" }).end(request.url?.endsWith("/_ping") ? "OK" : "[]");
  }).listen(api);
  onTestFinished(() => void engine.close().closeAllConnections());
  const { guest, keys, hostKeys } = await guestWithLogin({ user: undefined, files: scratchFolder(), socketPath: () => api });
  const expected = rightKey ? hostKeys.publicKey : makeKeyPair("web").publicKey;
  mkdirSync(files.runtime, { recursive: true });
  writeFileSync(files.key, keys.privateKey, { mode: 0o600 });
  writeFileSync(files.knownHosts, renderKnownHosts("web", expected));
  writeFileSync(files.sshConfig, renderSshConfig({ name: "web", host: "127.0.0.1", port: guest.port, user: "core", keyFile: files.key, knownHosts: files.knownHosts }));
  const plan = {
    name: "web", folders: { data: files.data, runtime: files.runtime, logs: files.logs }, ssh: { host: "127.0.0.1", port: guest.port, user: "core", keyFile: files.key, hostKey: expected },
    mounts: [], ports: [], openAtStart: [], helpers: [], expose: { kind: "none" },
    sockets: [{ host: files.apiSocket, guest: "/run/podman/podman.sock", user: "core" }, { host: join(files.runtime, "root.sock"), guest: "/run/podman/podman.sock", user: "root" }],
  } as unknown as KeeperPlan;
  writeFileSync(files.keeperPlan, JSON.stringify(plan));
  writeFileSync(files.keeperProcess, JSON.stringify(identityOf(process.pid)));
  // Of the keeper all that has to do with ssh, and its socket.
  const { connections, sockets, problems, stopping } = partsFor(plan, new Journal("web", files.log("events")), {});
  const status: KeeperStatus = { pid: process.pid, version: "0", state: "running", children: [], accelerator: "tcg", ports: [], guestPorts: [], sockets: plan.sockets.map(({ host }) => host), problems: [], begun: 0, times: {}, residentBytes: 1 };
  const server = await serveKeeper({ status: () => ({ ...status, problems: problems.reasons }), connection: (user?: string) => connections.as(user) } as unknown as Keeper, files.keeperSocket);
  await sockets.open();
  onTestFinished(async () => {
    stopping.abort();
    connections.end();
    await sockets.close();
    server.close();
  });
  return { line, files, record, guest, asked, plan, expected, message: `127.0.0.1:${guest.port} is not this machine: expected the host key ${fingerprint(expected)}, found ${fingerprint(hostKeys.publicKey)}` };
}
const hint = "hint: Another program or machine listens on that port; stop and start this one to have a port of its own.\n";

describe("another host key than the machine's is refused, with both and what to do", () => {
  test.each([["ssh", "web", "true"], ["ssh", "web"], ["ssh", "--username", "root", "web", "id"], ["exec", "web", "true"]])("by glowplug %s", async (...argv) => {
    const { line, guest, message } = await impostor();
    expect(await line.run(argv)).toEqual({ status: 125, stdout: "", stderr: expect.stringMatching(/^Error: /) as string });
    expect((await line.run(argv)).stderr).toBe(`Error: ${message} (in handshake)\n${hint}`);
    expect([guest.commands, guest.connections.size]).toEqual([[], 0]);
  });

  test.each([[(file: string) => [file, "web:/x"]], [() => ["web:/etc/passwd", "."]]])("by glowplug cp, in whichever direction", async (words) => {
    const { line, guest, message } = await impostor();
    writeFileSync(join(line.folder, "secret"), "secret");
    expect(await line.run(["cp", ...words(join(line.folder, "secret"))])).toEqual({ status: 125, stdout: "", stderr: `Error: ${message} (in handshake)\n${hint}` });
    expect([guest.commands, guest.connections.size]).toEqual([[], 0]);
  });

  test("by the keeper's own connection, as whatever user", async () => {
    const { plan, guest, message } = await impostor();
    const connections = new Connections(plan, new AbortController().signal);
    for (const user of [undefined, "core", "root"]) await expect(connections.as(user)).rejects.toMatchObject({ code: "host-key", message, hint: expect.stringContaining("stop and start this one") as string });
    await expect(connections.shell().exec("true")).rejects.toMatchObject({ code: "host-key" });
    expect([guest.commands, guest.connections.size]).toEqual([[], 0]);
  });

  test("by OpenSSH's client with the config of ssh-config", async () => {
    const { line, guest } = await impostor();
    const config = (await line.run(["ssh-config", "web", "--path"])).stdout.trim();
    const { code, stdout, stderr } = await run("ssh", ["-F", config, "-o", "BatchMode=yes", "web", "id"]);
    expect({ code, stdout }).toEqual({ code: 255, stdout: "" });
    expect(stderr).toContain("REMOTE HOST IDENTIFICATION HAS CHANGED");
    expect(stderr).toContain("Host key verification failed.");
    expect([guest.commands, guest.connections.size]).toEqual([[], 0]);
  });

  const clients: readonly (readonly [string, string, (socket: string, folder: string) => { readonly argv: readonly string[]; readonly env: NodeJS.ProcessEnv }])[] = [
    ["podman 4", "/usr/bin/podman", connection], ["podman 5", unpackedTool("podman-remote"), connection],
    ["docker, by the address of glowplug env", unpackedTool("docker"), (socket) => ({ argv: ["ps"], env: { DOCKER_HOST: `unix://${socket}` } })],
    ["docker, by a context", unpackedTool("docker"), (socket, folder) => ({ argv: ["--context", "web", "ps"], env: contextFolder(socket, folder) })],
  ];
  test.each(clients)("by the socket that %s gets, and the machine is not well from then on", async (_, program, of) => {
    const { line, guest, asked, message, files, plan } = await impostor();
    for (const { host } of plan.sockets) {
      const { argv, env } = of(host, scratchFolder());
      const { code, stdout } = await run(program, argv, { env: { PATH: process.env["PATH"], HOME: scratchFolder(), ...env } });
      expect({ failed: code !== 0, stdout }).toMatchObject({ failed: true });
    }
    expect([asked, guest.commands, guest.connections.size]).toEqual([[], [], 0]);
    expect(readFileSync(files.log("events"), "utf8")).toContain(JSON.stringify(message).slice(1, -1));
    expect(JSON.parse((await line.run(["inspect", "web"])).stdout)).toMatchObject([{ Condition: "degraded", Reason: message }]);
    expect((await line.run(["doctor", "web"])).stdout).toContain(`web is not well: ${message}\n    fix: glowplug restart web\n`);
  });

  test.each(clients)("while %s gets through to a machine that shows its own", async (_, program, of) => {
    const { asked, plan } = await impostor({ rightKey: true });
    for (const { host } of plan.sockets) {
      const { argv, env } = of(host, scratchFolder());
      expect(await run(program, argv, { env: { PATH: process.env["PATH"], HOME: scratchFolder(), ...env } })).toMatchObject({ code: 0 });
    }
    expect(asked.filter((url) => url.includes("/containers/json"))).toHaveLength(2);
  });
});

/** Files of podman's, new and old, that know the machine as glowplug makes it known. */
function connection(socket: string, folder: string): { readonly argv: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const [json, conf] = [join(folder, "connections.json"), join(folder, "containers.conf")];
  writeFileSync(json, JSON.stringify({ Connection: { Default: "web", Connections: { web: { URI: `unix://${socket}`, Identity: "/nowhere", IsMachine: true } } } }));
  writeFileSync(conf, `[engine]\nactive_service = "web"\n[engine.service_destinations.web]\nuri = "unix://${socket}"\nidentity = "/nowhere"\nis_machine = true\n`);
  return { argv: ["--connection", "web", "ps"], env: { CONTAINERS_CONF: conf, PODMAN_CONNECTIONS_CONF: json } };
}

/** A context as docker stores it: in a folder called by the sha256 of its name. */
function contextFolder(socket: string, folder: string): NodeJS.ProcessEnv {
  const meta = join(folder, "contexts/meta", createHash("sha256").update("web").digest("hex"));
  mkdirSync(meta, { recursive: true });
  writeFileSync(join(meta, "meta.json"), JSON.stringify({ Name: "web", Metadata: {}, Endpoints: { docker: { Host: `unix://${socket}`, SkipTLSVerify: false } } }));
  return { DOCKER_CONFIG: folder };
}

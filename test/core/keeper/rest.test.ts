import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Keeper } from "../../../core/keeper/keeper.ts";
import { RestControl } from "../../../core/keeper/rest.ts";
import { guestWithLogin, scratchFolder } from "../../fixtures/login.ts";

/** A VM's HTTP interface that answers as the test says. Gone with the test. */
async function serve(answer: (request: IncomingMessage, body: string, response: ServerResponse) => void): Promise<RestControl> {
  const path = join(scratchFolder(), "vm.sock");
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes: Buffer) => (body += bytes.toString()));
    request.on("end", () => answer(request, body, response));
  }).listen(path);
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new RestControl(path);
}

describe("a VM's HTTP interface", () => {
  it("tells its state", async () => {
    const asked: string[] = [];
    const rest = await serve((request, _, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end('{"state":"VirtualMachineStateRunning","canStop":true}');
    });
    expect(await rest.state()).toBe("VirtualMachineStateRunning");
    expect(asked).toEqual(["GET /vm/state"]);
  });

  it.each(["Stop", "HardStop"] as const)("takes the order %s", async (order) => {
    const asked: string[] = [];
    const rest = await serve((request, body, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers["content-type"]} ${body}`);
      response.writeHead(202).end();
    });
    await rest.order(order);
    expect(asked).toEqual([`POST /vm/state application/json {"state":"${order}"}`]);
  });

  it("is heard when it refuses", async () => {
    const rest = await serve((_, __, response) => void response.writeHead(500).end('{"error":"Invalid virtual machine state transition"}\n'));
    await expect(rest.order("Stop")).rejects.toMatchObject({ code: "keeper", message: 'the VM refused {"state":"Stop"}: {"error":"Invalid virtual machine state transition"}' });
    await expect(rest.state()).rejects.toMatchObject({ code: "keeper", message: 'the VM refused to tell its state: {"error":"Invalid virtual machine state transition"}' });
  });

  it.each(["", "[]", "null", '{"state":7}'])("that answers %j has told no state", async (text) => {
    const rest = await serve((_, __, response) => void response.end(text));
    await expect(rest.state()).rejects.toMatchObject({ code: "keeper", message: `the VM told no state, but ${JSON.stringify(text)}` });
  });

  it("is waited for no longer than told", async () => {
    const rest = await serve(() => {});
    await expect(rest.state(50)).rejects.toMatchObject({ code: "keeper", message: "the VM did not answer within 0.05 s" });
  });

  it("that breaks off in the middle is an error", async () => {
    const rest = await serve((_, __, response) => {
      response.writeHead(200, { "content-length": 100 }).write("{", () => response.destroy());
    });
    await expect(rest.state()).rejects.toMatchObject({ code: "keeper" });
  });

  it("that is not there is an error with its path", async () => {
    const path = join(scratchFolder(), "none.sock");
    await expect(new RestControl(path).state()).rejects.toMatchObject({ code: "keeper", message: `the VM does not answer on ${path}: connect ENOENT ${path}` });
  });
});

/** Runs at once, prints to a file, tells that it is ready, and ends at the order that it is told to obey. */
const vm = `
const { createServer } = require("node:http"), { connect } = require("node:net"), { appendFileSync } = require("node:fs");
const [control, screen, ready, obeyed] = process.argv.slice(1);
appendFileSync(screen, "Linux version 6.1\\n");
process.on("SIGTERM", () => appendFileSync(screen, "SIGTERM\\n"));
createServer((request, response) => {
  if (request.method === "GET") return response.end('{"state":"VirtualMachineStateRunning"}');
  let body = "";
  request.on("data", (bytes) => (body += bytes)).on("end", () => {
    const { state } = JSON.parse(body);
    appendFileSync(screen, state + "\\n");
    response.writeHead(202).end(() => state === obeyed && process.exit(0));
  });
}).listen(control, () => connect(ready).end("Ready\\n"));
`;

describe("a keeper of a VM with an HTTP interface", () => {
  async function runVm(obeyed: "Stop" | "HardStop"): Promise<{ readonly keeper: Keeper; readonly log: () => string }> {
    const { login, keys } = await guestWithLogin();
    const folder = scratchFolder();
    const [control, screen, ready, keyFile] = ["vm.sock", "console.log", "ready.sock", "key"].map((name) => join(folder, name)) as [string, string, string, string];
    writeFileSync(keyFile, keys.privateKey);
    const limit = 20_000;
    const keeper = new Keeper({
      version: 1, token: "t", name: "web", folders: { data: folder, runtime: folder, logs: folder }, helpers: [], mounts: [], accelerator: "vz",
      vm: { program: process.execPath, argv: ["-e", vm, control, screen, ready, obeyed], name: "vm" },
      console: { kind: "file", path: screen }, ready: { kind: "listen", path: ready }, control: { kind: "rest", path: control },
      ssh: { host: login.host, port: login.port, user: login.user, keyFile, hostKey: login.hostKey }, expose: { kind: "ssh" }, guestPorts: "any", openAtStart: [], ports: [], sockets: [], restart: "never",
      deadlines: { helpersMs: limit, monitorMs: limit, lifeMs: limit, readyMs: limit, sshMs: limit, probeMs: limit },
    }, { version: "0.0.0", environment: {} });
    onTestFinished(() => keeper.stop(true, 0));
    await keeper.bringUp();
    await keeper.up;
    return { keeper, log: () => readFileSync(join(folder, "serial.log"), "utf8") };
  }

  it("asks the guest to power off, and has the whole console", async () => {
    const { keeper, log } = await runVm("Stop");
    expect(keeper.status().state).toBe("running");
    await keeper.stop(false, 20_000);
    expect(log()).toBe("Linux version 6.1\nStop\n");
  });

  it("insists when the guest does not mind", async () => {
    const { keeper, log } = await runVm("HardStop");
    await keeper.stop(false, 50);
    expect(log()).toBe("Linux version 6.1\nStop\nHardStop\n");
  });

  it("asks nobody when it is forced", async () => {
    const { keeper, log } = await runVm("HardStop");
    await keeper.stop(true, 0);
    expect(log()).toBe("Linux version 6.1\nHardStop\n");
  });
});

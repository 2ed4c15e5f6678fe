import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import type { World } from "../support/world.ts";
import { compare, type Measured, type Subject } from "./measure.ts";

/** What a guest serves. */
const mebibytes = 32;

/**
 * How fast published ports are, a boot for each forwarder. Beside a port of the spec stands the forwarder alone: the same port while the keeper
 * is halted. Beside a port that came later stands the one of the spec.
 */
export async function measurePorts(newWorld: () => World, say: (line: string) => void): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const forwarder of ["slirp", "gvproxy", "passt"]) {
    say(`published ports through ${forwarder}`);
    const world = newWorld();
    rows.push(...(await measureForwarder(world, forwarder)));
    await world.ok("rm", "--force", "ports");
  }
  return rows;
}

async function measureForwarder(world: World, forwarder: string): Promise<Measured[]> {
  const [published, added] = [await freePort(), await freePort()];
  world.write("ports.ts", `export default {
  cpus: 2, memory: "1GiB", disk: "8GiB", image: "debian-bootstrap", forwarder: ${JSON.stringify(forwarder)}, podman: false, ports: ["127.0.0.1:${published}:7000"],
  units: [{ name: "web.service", content: "[Service]\\nRuntimeDirectory=web\\nExecStartPre=/bin/dd if=/dev/zero of=/run/web/data bs=1M count=${mebibytes}\\nExecStart=/bin/busybox httpd -f -p 7000 -h /run/web\\n[Install]\\nWantedBy=multi-user.target\\n" }],
};\n`);
  await world.ok("up", "./ports.ts");
  // Some forwarders take a connection before anybody listens in the guest.
  await world.ok("exec", "ports", "sh", "-c", "until busybox wget -q -O /dev/null http://127.0.0.1:7000/data; do sleep 1; done");
  await world.ok("port", "add", "ports", `127.0.0.1:${added}:7000`);
  const { pid } = JSON.parse(readFileSync(join(world.runtime, "ports/keeper.json"), "utf8")) as { readonly pid: number };
  const alone: Subject = { name: `${forwarder} alone`, take: () => whileHalted(pid, () => throughput(published)) };
  const ofSpec: Subject = { name: "the port of the spec", take: () => throughput(published) };
  const how = { count: 5, unit: "MB/s" } as const;
  return [
    await compare(`published port, ${forwarder}`, () => throughput(published), alone, { ...how, aim: { of: "ratio", least: 0.9 } }),
    await compare("  added while it runs", () => throughput(added), ofSpec, how),
  ];
}

async function whileHalted<T>(pid: number, work: () => Promise<T>): Promise<T> {
  process.kill(pid, "SIGSTOP");
  try {
    return await work();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

/** MB/s from the first byte to the last. Throws where fewer come than are served. */
async function throughput(port: number): Promise<number> {
  const sent = get({ host: "127.0.0.1", port, path: "/data", agent: false });
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const begun = performance.now();
  let bytes = 0;
  for await (const block of answer as AsyncIterable<Buffer>) bytes += block.length;
  if (answer.statusCode !== 200 || bytes !== mebibytes * 2 ** 20) throw new Error(`port ${port} gave ${bytes} bytes with status ${answer.statusCode}`);
  return bytes / 1e3 / (performance.now() - begun);
}

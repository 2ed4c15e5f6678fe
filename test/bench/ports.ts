import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { compare, type Measured, type Subject } from "./measure.ts";

/** What a guest sends to each that connects. */
const mebibytes = 32;
const sender = `use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => 7000, Listen => 8, ReuseAddr => 1) or die $!;
my $block = "\\0" x 2**16;
while (my $client = $server->accept) { print $client $block for 1 .. ${mebibytes * 16}; close $client }
`;

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
  files: [{ path: "/usr/local/lib/sender.pl", content: ${JSON.stringify(sender)} }],
  units: [{ name: "sender.service", content: "[Service]\\nExecStart=/usr/bin/perl /usr/local/lib/sender.pl\\n[Install]\\nWantedBy=multi-user.target\\n" }],
};\n`);
  await world.ok("up", "./ports.ts");
  // Some forwarders take a connection before anybody listens in the guest.
  await world.ok("exec", "ports", "bash", "-c", "until : < /dev/tcp/127.0.0.1/7000; do sleep 1; done 2> /dev/null");
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

/** MB/s from the first byte to the last. Throws where fewer come than were sent. */
async function throughput(port: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  let [bytes, begun] = [0, 0];
  for await (const block of socket as AsyncIterable<Buffer>) {
    if (bytes === 0) begun = performance.now();
    bytes += block.length;
  }
  if (bytes !== mebibytes * 2 ** 20) throw new Error(`port ${port} gave ${bytes} bytes`);
  return bytes / 1e3 / (performance.now() - begun);
}

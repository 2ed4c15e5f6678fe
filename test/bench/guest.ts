import { program, run, type World } from "../support/world.ts";
import { compare, timeOf, type Measured, type Subject } from "./measure.ts";
import { measureShortVerbs } from "./short-verbs.ts";
import { keeperOf, measureStart } from "./start.ts";

/** All that needs a real guest, on one boot of it. */
export async function measureGuest(world: World): Promise<Measured[]> {
  const name = "guest";
  await world.ok("init", "--quiet", "--image", "debian-bootstrap", "--forwarder", "slirp", "--cpus", "2", "--disk-size", "10", name);
  return [
    await measureStart(world, name),
    await measureMemory(world, name),
    ...(await measureShortVerbs(world, name, "running")),
    await measureExec(world, name),
  ];
}

/** Resident memory of the keeper, beside a Node that does nothing. */
async function measureMemory(world: World, name: string): Promise<Measured> {
  const bare: Subject = { name: "node, idle", take: () => residentOf(world) };
  return compare("keeper's resident memory", async () => (await keeperOf(world, name)).residentBytes / 1e6, bare, { count: 5, unit: "MB", aim: { of: "figure", most: 70 } });
}

async function residentOf(world: World): Promise<number> {
  return Number((await run(process.execPath, ["-p", "process.memoryUsage.rss()"], world)).stdout) / 1e6;
}

/** `exec`, beside a login of OpenSSH's. */
async function measureExec(world: World, name: string): Promise<Measured> {
  const config = (await world.ok("ssh-config", name, "--path")).trim();
  const login: Subject = { name: "ssh, fresh login", take: () => timeOf("ssh", ["-F", config, "-o", "BatchMode=yes", "-o", "ControlPath=none", name, "true"], world) };
  return compare("exec NAME true", () => timeOf(process.execPath, [program, "exec", name, "true"], world), login, { count: 11, aim: { of: "ratio", most: 1 / 3 } });
}

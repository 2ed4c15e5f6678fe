import { Command, type CommandRegistration, type HostFacts, type MachineInfo } from "glowplug";

/** A context of the machine's name for the docker client of the host, where there is one and the machine serves podman's API. */
export async function dockerContext({ name: machine, apiSocket }: MachineInfo, host: HostFacts): Promise<readonly CommandRegistration[]> {
  const program = apiSocket === undefined ? undefined : host.find("docker");
  if (program === undefined || !(await isDocker(program, host))) return [];
  const name = contextName(machine);
  const address = `unix://${apiSocket}`;
  const context = (verb: string) => new Command(program, { name: "docker" }).add("context").add(verb);
  // One that leads to our socket is left over from an earlier machine of the name. Anybody else's makes docker refuse.
  const verb = (await addressOf(name, program, host)) === address ? "update" : "create";
  const description = `The podman of the machine ${machine}`;
  return [{ title: `docker context ${name}`, do: context(verb).add(name).add("--description", description).add("--docker", `host=${address}`), undo: context("rm").add("--force").add(name) }];
}

/** docker keeps "default" for itself. */
function contextName(machine: string): string {
  return machine === "default" ? "glowplug-default" : machine;
}

/** Podman in docker's clothes makes a connection of a context, under a name that we need. */
async function isDocker(program: string, host: HostFacts): Promise<boolean> {
  if (!host.local) return true;
  const { exitCode, stdout } = await host.probe(program, ["--version"]).catch(() => ({ exitCode: 1, stdout: "" }));
  return exitCode === 0 && stdout.startsWith("Docker version");
}

async function addressOf(context: string, program: string, host: HostFacts): Promise<string | undefined> {
  if (!host.local) return undefined;
  const { exitCode, stdout } = await host.probe(program, ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}", context]);
  return exitCode === 0 ? stdout.trim() : undefined;
}

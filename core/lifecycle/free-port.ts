import { MachineError } from "../errors.ts";
import type { ResolvedPort } from "../model.ts";
import { isPortFree, portHolder } from "../ports.ts";

/** Throws MachineError "port-taken" naming the process that holds a port of the host, and what `isPortFree` throws. */
export async function requireFreePort({ host, hostPort, protocol }: ResolvedPort): Promise<void> {
  if (await isPortFree(host, hostPort, protocol)) return;
  const holder = portHolder(hostPort, protocol);
  throw new MachineError("port-taken", `port ${hostPort}/${protocol} of the host is taken${holder ? ` by ${holder.name} (process ${holder.pid})` : ""}`, {
    hint: "End that program, or publish another port of the host.",
  });
}

import { MachineError } from "./errors.ts";
import type { HostFacts } from "./model.ts";

/** Path of qemu-img. Throws MachineError "missing-program" saying what it is needed for: "make the disk of web". */
export function findQemuImg(host: HostFacts, purpose: string): string {
  const found = host.find("qemu-img");
  if (found !== undefined) return found;
  const hint = host.os === "darwin" ? "brew install qemu" : "Install it: on Debian and Ubuntu `apt-get install qemu-utils`, on Fedora `dnf install qemu-img`.";
  throw new MachineError("missing-program", `qemu-img is needed to ${purpose}, and is not there`, { hint });
}

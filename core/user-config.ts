import { MachineError } from "./errors.ts";
import type { UserConfig } from "./guest.ts";
import { isObject, readObject } from "./json.ts";
import type { Provisioner } from "./roles/provisioner.ts";

/**
 * An Ignition config of the user's, looked at as far as Ignition's own checks would end the first boot before anything of ours
 * could tell: it must be JSON of version 3. Throws MachineError "bad-spec", and "slots-mismatch" where the guest reads another language.
 */
export function readUserConfig(path: string, text: string, { firstBoot, name }: Pick<Provisioner, "firstBoot" | "name">): UserConfig {
  if (firstBoot !== "ignition") {
    throw new MachineError("slots-mismatch", `${path} is an Ignition config, and the guest's first boot reads ${firstBoot} (by ${name})`, { hint: "Leave the config out, or use an image whose first boot is Ignition." });
  }
  const read = readObject(text);
  if ("found" in read) throw bad(path, `expected a JSON object, found ${read.found}`, "A Butane file is made into one by `butane FILE`.");
  const { ignition } = read.object;
  const version = isObject(ignition) ? ignition["version"] : undefined;
  if (typeof version !== "string") throw bad(path, "it has no ignition.version", 'Write { "ignition": { "version": "3.3.0" } } into it.');
  if (!/^3\.\d+\.\d+/.test(version)) throw bad(path, `it is of version ${JSON.stringify(version)}; expected 3.x`, "Translate it to version 3.");
  return { path, text };
}

function bad(path: string, why: string, hint: string): MachineError {
  return new MachineError("bad-spec", `${path} is no Ignition config: ${why}`, { hint });
}

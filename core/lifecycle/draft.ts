import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { draftGuest } from "../draft.ts";
import { MachineError, messageOf } from "../errors.ts";
import type { GuestDraft } from "../guest.ts";
import type { KeyPair } from "../keys.ts";
import type { MachineInfo } from "../model.ts";
import type { LanPlace } from "../record.ts";
import type { Run } from "../run.ts";
import type { ResolvedSpec } from "../spec-types.ts";

/** The core's own part of the guest, before the plugins have their say. */
export async function draftFor(spec: ResolvedSpec, info: MachineInfo, { lan, ...keys }: { authorizedKey: string; hostKeys: KeyPair; lan?: LanPlace | undefined }, run: Run): Promise<GuestDraft> {
  const folder = spec.script === undefined ? run.cwd : dirname(spec.script);
  return draftGuest(spec, {
    authorizedKey: keys.authorizedKey, hostKey: keys.hostKeys, uid: info.uid, ...(lan && { lan }), mounts: [],
    readSource: (path, what) => {
      try {
        return readFileSync(resolve(folder, path), "utf8");
      } catch (cause) {
        throw new MachineError("bad-spec", `cannot read ${what} ${path}: ${messageOf(cause)}`, { cause, hint: "The path is relative to the script." });
      }
    },
  });
}

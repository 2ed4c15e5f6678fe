import type { MachineInfo } from "../model.ts";
import type { Paths } from "../paths.ts";
import type { MachineRecord } from "../record.ts";
import type { ResolvedSpec } from "../spec-types.ts";

/** What a machine is before it has a record. */
export interface MachineDraft {
  readonly sshPort: number;
  readonly hostKey: string;
}

/** Uid of the login user in the guest: the host user's, so that shared files belong to both; 1000 for root. */
export function guestUid(hostUid: number): number {
  return hostUid === 0 ? 1000 : hostUid;
}

/** The machine as hooks and registrations see it. */
export function machineInfo(spec: ResolvedSpec, draft: MachineDraft, hostUid: number, paths: Paths): MachineInfo {
  const files = paths.machine(spec.name);
  return {
    name: spec.name, ...(spec.script !== undefined && { script: spec.script }), user: spec.user, uid: guestUid(hostUid), rootful: spec.rootful,
    ssh: { host: "127.0.0.1", port: draft.sshPort, keyFile: files.key, hostKey: draft.hostKey },
    ...(spec.podman && { apiSocket: files.apiSocket }),
    folders: { data: files.data, runtime: files.runtime },
  };
}

/** The same, from the record. User and uid are fixed at first boot. */
export function recordedInfo(record: MachineRecord, spec: ResolvedSpec, paths: Paths): MachineInfo {
  const info = machineInfo(spec, { sshPort: record.ssh.port, hostKey: record.ssh.hostKey }, record.ssh.uid, paths);
  return { ...info, user: record.ssh.user, uid: record.ssh.uid };
}

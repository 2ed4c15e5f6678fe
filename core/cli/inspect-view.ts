import type { Status } from "../machine.ts";
import { MachineError } from "../errors.ts";
import type { Paths } from "../paths.ts";
import type { MachineRecord } from "../record.ts";
import { parseUsb } from "../spec/usb.ts";
import { Stamp } from "./format.ts";
import { acceleratorView, neverIso, podmanState, portsView, portView } from "./machine-view.ts";
import { verifiedView } from "./verified-view.ts";
import type { Call } from "./verb.ts";

/** Everything known about a machine: podman's keys first, then ours. Optional values are null, so that a template may name them. */
export function inspectView(record: MachineRecord, { state, condition, reason, keeper, ended }: Omit<Status, "record">, paths: Paths): object {
  const { name, spec, ssh, folders, image, last } = record;
  const files = paths.machine(name);
  return {
    ConfigDir: { Path: folders.data },
    ConnectionInfo: { PodmanSocket: spec.podman ? { Path: files.apiSocket } : null, PodmanPipe: null },
    Created: new Stamp(record.created),
    LastUp: new Stamp(record.lastUp ?? neverIso),
    Name: name,
    Resources: { CPUs: spec.cpus, DiskSize: Math.round(spec.disk / 2 ** 30), Memory: Math.round(spec.memory / 2 ** 20), USBs: spec.usb.map(usbView) },
    SSHConfig: { IdentityPath: ssh.keyFile, Port: ssh.port, RemoteUsername: ssh.user },
    State: podmanState(state),
    UserModeNetworking: true,
    Rootful: spec.rootful,
    Rosetta: false,

    Condition: condition,
    Reason: reason ?? "",
    Accelerator: {
      ...acceleratorView(record, keeper),
      Found: (last?.accelerators ?? []).map(({ name: its, usable, reason: why }) => ({ Name: its, Usable: usable, Reason: why ?? "" })),
    },
    Launcher: spec.launcher,
    Forwarder: spec.forwarder,
    Provisioner: spec.provisioner,
    Ports: portsView(record, keeper),
    GuestPorts: (keeper?.guestPorts ?? []).map(portView),
    SwapBytes: spec.swap,
    Playbook: spec.playbook ?? "",
    IgnitionPath: spec.ignitionPath ?? "",
    ImportNativeCA: spec.importNativeCa,
    Sockets: spec.sockets.map(({ host, guest }) => ({ Host: host, Guest: guest })),
    Volumes: spec.volumes.map(({ source, target, readOnly }) => ({ Source: source, Target: target, ReadOnly: readOnly })),
    Image: {
      Title: image.title, Release: image.release ?? null, Source: image.source, Origin: image.origin, Id: image.id, Path: image.path, Format: image.format,
      Verified: verifiedView(image.verified),
    },
    Disk: { Path: record.disk.path, Format: record.disk.format },
    Plugins: spec.plugins,
    Script: spec.script ?? "",
    Folders: { Data: folders.data, Runtime: folders.runtime, Logs: files.logs },
    HostKey: ssh.hostKey,
    Keeper: keeper ? { Pid: keeper.pid, Version: keeper.version, ResidentBytes: keeper.residentBytes } : null,
    Processes: (keeper?.children ?? []).map((child) => ({ Name: child.name, Role: child.role, Pid: child.pid })),
    Notes: last?.notes ?? [],
    Ended: ended ? { At: ended.at, Reason: ended.reason } : null,
    Restarts: keeper?.restarts ? { Count: keeper.restarts.count, At: keeper.restarts.at, Reason: keeper.restarts.reason } : null,
    Spec: spec,
    Overrides: record.overrides,
  };
}

/** A USB device in podman's keys and types. */
function usbView(text: string): object {
  const parsed = parseUsb(text);
  const device = "device" in parsed ? parsed.device : undefined;
  if (!device) return { Bus: "", DevNumber: "", Vendor: 0, Product: 0 };
  return "bus" in device ? { Bus: String(device.bus), DevNumber: String(device.devnum), Vendor: 0, Product: 0 } : { Bus: "", DevNumber: "", Vendor: device.vendor, Product: device.product };
}

/** Prints one machine as the answer of a verb with --json. */
export function printMachine({ record, ...status }: Status, { output, run }: Pick<Call, "output" | "run">): void {
  if (!record) throw new MachineError("internal", "the machine has no record");
  output.json(inspectView(record, status, run.paths));
}

import type { Paths } from "../../core/paths.ts";
import type { MachineRecord } from "../../core/record.ts";

/** A machine's record as init writes it; tests change what they are about. */
export function sampleRecord(paths: Paths, name: string, changes: Partial<MachineRecord> = {}): MachineRecord {
  const files = paths.machine(name);
  return {
    version: 1, name, created: "2025-01-02T03:04:05.000Z", lastUp: null,
    spec: {
      name, cpus: 2, memory: 2 ** 31, disk: 10 * 2 ** 30, swap: 0, image: "image", provisioner: "provisioner", launcher: "launcher", forwarder: "forwarder",
      ports: [], guestPorts: "any", sockets: [], volumes: [], files: [], units: [], packages: [], run: [], restart: "never", usb: [], importNativeCa: false, proxy: true, user: "core", rootful: false,
      timezone: "UTC", podman: true, plugins: [], sources: {},
    },
    overrides: {},
    image: { source: "image", title: "an image", origin: "/images/a.qcow2", id: "0".repeat(64), path: "/store/a/disk.qcow2", format: "qcow2", virtualSize: 2 ** 30, verified: [] },
    disk: { path: files.disk, format: "qcow2" }, seed: { kind: "ignition", path: files.ignition }, firstBoot: "ignition",
    ssh: { port: 40022, user: "core", uid: 1000, keyFile: files.key, hostKey: "ssh-ed25519 AAAA" },
    mac: "52:54:00:00:00:01", folders: { data: files.data, runtime: files.runtime }, undo: [],
    ...changes,
  };
}

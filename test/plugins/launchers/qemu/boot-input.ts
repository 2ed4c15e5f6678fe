import type { BootInput } from "glowplug";
import { foreignHost } from "../../../../core/host.ts";

/** What the core hands over for a machine "web" on a host elsewhere. */
export function bootInput(hostName: string, changes: Partial<BootInput> = {}): BootInput {
  const host = foreignHost(hostName);
  const data = host.os === "darwin" ? "/Users/user/Library/Application Support/glowplug/machines/web" : "/home/user/.local/share/glowplug/machines/web";
  const runtime = host.os === "darwin" ? "/tmp/glowplug/web" : "/run/user/1000/glowplug/web";
  return {
    name: "web", host, arch: host.arch, cpus: 2, memory: 2 * 2 ** 30,
    disk: { path: `${data}/disk.qcow2`, format: "qcow2" }, seed: { kind: "ignition", path: `${data}/ignition.json` }, firstBoot: true,
    link: { kind: "unix-stream", path: `${runtime}/net/vm.sock`, mac: "5a:94:ef:e4:0c:ee" },
    shares: [], guestUid: 1000, accelerator: host.os === "darwin" ? "hvf" : "kvm", usb: [], folders: { data, runtime }, ...changes,
  };
}

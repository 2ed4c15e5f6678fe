import { MachineError } from "glowplug";
import { optionText } from "./option-text.ts";

/** Flags that hand USB devices of the host to the guest, from podman's words: "bus=1,devnum=2" or "vendor=1d6b,product=0002". */
export function usbFlags(devices: readonly string[]): (readonly [flag: string, value: string])[] {
  if (devices.length === 0) return [];
  return [["-device", "qemu-xhci,id=usb"], ...devices.map((device) => ["-device", optionText("usb-host", properties(device))] as const)];
}

function properties(device: string): Record<string, string | number> {
  const place = /^bus=(\d+),devnum=(\d+)$/.exec(device);
  if (place) return { hostbus: Number(place[1]), hostaddr: Number(place[2]) };
  const model = /^vendor=([0-9a-f]{1,4}),product=([0-9a-f]{1,4})$/i.exec(device);
  if (model) return { vendorid: `0x${model[1]?.toLowerCase()}`, productid: `0x${model[2]?.toLowerCase()}` };
  throw new MachineError("bad-spec", `${JSON.stringify(device)} names no USB device`, { plugin: "qemu", hint: 'Write "bus=1,devnum=2" or "vendor=1d6b,product=0002" (hexadecimal), as lsusb shows them.' });
}

import { expect, it } from "vitest";
import { usbFlags } from "../../../../plugins/launchers/qemu/usb.ts";

it("brings a controller for the devices, and none where there are none", () => {
  expect(usbFlags([])).toEqual([]);
  expect(usbFlags(["bus=1,devnum=12", "vendor=1D6B,product=2"])).toEqual([
    ["-device", "qemu-xhci,id=usb"], ["-device", "usb-host,hostbus=1,hostaddr=12"], ["-device", "usb-host,vendorid=0x1d6b,productid=0x2"],
  ]);
});

it.each(["", "bus=1", "bus=a,devnum=2", "vendor=1d6b", "vendor=1d6b,product=zz", "vendor=1d6b,product=0002,x=1"])("refuses %j", (device) => {
  expect(() => usbFlags([device])).toThrowError(expect.objectContaining({ code: "bad-spec", message: `${JSON.stringify(device)} names no USB device` }));
});

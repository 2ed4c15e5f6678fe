/** A USB device of the host: the one at a place, or the first of a model. */
export type UsbDevice = { readonly bus: number; readonly devnum: number } | { readonly vendor: number; readonly product: number };
/** Either a device, or what is wrong with the text. */
export type ParsedUsb = { readonly device: UsbDevice } | { readonly problem: string };

/** Reads podman's words, in either order: "bus=1,devnum=2", or "vendor=1d6b,product=0002" in hexadecimal (its pkg/machine/define/usb.go, and its messages). */
export function parseUsb(text: string): ParsedUsb {
  const halves = text.split(",");
  if (halves.length !== 2) return { problem: `usb: fail to parse: missing ',': ${text}` };
  if (halves.some((half) => half.split("=").length !== 2)) return { problem: `usb: fail to parse: missing '=': ${text}` };
  const values = new Map(halves.map((half) => half.split("=") as [key: string, value: string]));
  const read = (key: string, digits: RegExp, base: number): number | undefined => (digits.test(values.get(key) ?? "") ? Number.parseInt(values.get(key) ?? "", base) : undefined);
  if (values.has("bus") && values.has("devnum")) {
    const [bus, devnum] = [read("bus", /^\d{1,3}$/, 10), read("devnum", /^\d{1,3}$/, 10)];
    return bus === undefined || devnum === undefined ? { problem: `usb: fail to convert bus and devnum of ${text}: expected decimal numbers` } : { device: { bus, devnum } };
  }
  if (values.has("vendor") && values.has("product")) {
    const hex = /^[0-9a-f]{1,4}$/i;
    const [vendor, product] = [read("vendor", hex, 16), read("product", hex, 16)];
    const wrong = vendor === undefined ? "vendor" : "product";
    return vendor === undefined || product === undefined ? { problem: `usb: fail to convert ${wrong} of ${text}: expected a hexadecimal number` } : { device: { vendor, product } };
  }
  return { problem: `usb: fail to parse: ${text}` };
}

/** The one way in which the core and launchers write a device. Texts must have been checked. */
export function canonicalUsb(text: string): string {
  const parsed = parseUsb(text);
  if ("problem" in parsed) return text;
  const { device } = parsed;
  if ("bus" in device) return `bus=${device.bus},devnum=${device.devnum}`;
  const hex = (id: number): string => id.toString(16).padStart(4, "0");
  return `vendor=${hex(device.vendor)},product=${hex(device.product)}`;
}

/** What is wrong with a text; undefined when nothing is. */
export function usbProblem(text: string): string | undefined {
  const parsed = parseUsb(text);
  return "problem" in parsed ? parsed.problem : undefined;
}

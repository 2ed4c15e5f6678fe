/** Doubles commas, which QEMU takes for the end of a value otherwise (qemu-options, "Options"). */
export function escapeValue(text: string): string {
  return text.replaceAll(",", ",,");
}

/**
 * The value of a QEMU flag with properties: `optionText("stream", { id: "net0", server: false })` is "stream,id=net0,server=off".
 * Properties that are undefined are left out.
 */
export function optionText(head: string | undefined, properties: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parts = Object.entries(properties).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${propertyText(value)}`]));
  return [...(head === undefined ? [] : [escapeValue(head)]), ...parts].join(",");
}

function propertyText(value: string | number | boolean): string {
  return typeof value === "boolean" ? (value ? "on" : "off") : escapeValue(String(value));
}

import { renderTemplate, type Format, type RenderOptions } from "./format.ts";
import type { Output } from "./output.ts";

export interface PrintOptions {
  /** Print one document instead of an array. Default: false. */
  readonly single?: boolean;
  /** Spaces of JSON's indentation. Default: 2. */
  readonly indent?: number;
}

/** Prints items as `--format` says. */
export async function printItems(format: Format, items: readonly object[], render: RenderOptions, output: Output, { single = false, indent = 2 }: PrintOptions = {}): Promise<void> {
  const whole = single ? items[0] : items;
  if (format.kind === "json") output.json(whole, indent);
  else if (format.kind === "template") output.write(renderTemplate(format, items, render));
  else {
    const { stringify } = await import("yaml");
    // By way of JSON, so that times and sizes come out as there.
    output.write(stringify(JSON.parse(JSON.stringify(whole))));
  }
}

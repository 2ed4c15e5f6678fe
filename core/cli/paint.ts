import { styleText } from "node:util";

/** What a stretch of text means; each has one look. */
export type Look = "error" | "warning" | "good" | "hint" | "faint" | "strong" | "accent";
export type Paint = (look: Look, text: string) => string;

const styles = { error: ["red", "bold"], warning: ["yellow"], good: ["green"], hint: ["cyan"], faint: ["dim"], strong: ["bold"], accent: ["cyan"] } as const;

/** Colours for a stream. None where it is no terminal, whatever FORCE_COLOR says; nor by `noColor`, nor by NO_COLOR, which styleText obeys. */
export function createPaint(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }, noColor: boolean): Paint {
  if (noColor || stream.isTTY !== true) return (_look, text) => text;
  return (look, text) => styleText([...styles[look]], text, { stream });
}

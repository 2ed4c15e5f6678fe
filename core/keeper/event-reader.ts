import type { MachineEvent } from "./protocol.ts";

/** Cuts what is appended to an event file into its events. A line that is none, such as one that a power cut left, is passed by. */
export function eventReader(take: (event: MachineEvent) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = parseEvent(line);
      if (event) take(event);
    }
  };
}

/** The events in a text of whole lines. */
export function parseEvents(text: string): readonly MachineEvent[] {
  return text.split("\n").flatMap((line) => parseEvent(line) ?? []);
}

function parseEvent(line: string): MachineEvent | undefined {
  try {
    const value = JSON.parse(line) as Partial<MachineEvent> | null;
    return typeof value?.time === "string" && typeof value.machine === "string" && typeof value.type === "string" ? (value as MachineEvent) : undefined;
  } catch {
    return undefined;
  }
}

import type { MachineEvent } from "../keeper/protocol.ts";
import type { Paint } from "./paint.ts";

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

/** An event for people: "2026-05-01 12:00:00.123  web  state running". */
export function eventText(event: MachineEvent, paint: Paint = (_look, text) => text): string {
  const { time, machine, type } = event;
  return `${paint("faint", localTime(new Date(time)))}  ${paint("strong", machine)}  ${type} ${describe(event)}`.trimEnd();
}

function describe({ time: _time, machine: _machine, type, ...fields }: MachineEvent): string {
  const text = (field: string): string => String(fields[field] ?? "");
  switch (type) {
    case "state": return `${text("state")}${fields["reason"] === undefined ? "" : `: ${text("reason")}`}`;
    case "phase": return `${text("phase")} ${text("action")}`;
    case "child": return `${text("name")} ${fields["action"] === "ended" ? text("how") : text("action")} (${text("role")}, process ${text("pid")})`;
    case "port": return `${text("action")} ${text("port")}`;
    case "note": return `${text("about")}: ${text("text")}`;
    default: return Object.entries(fields).map(([field, value]) => `${field}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
  }
}

/** "2026-05-01 12:00:00.123" where this process is. */
function localTime(at: Date): string {
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return shifted.toISOString().replace("T", " ").replace("Z", "");
}

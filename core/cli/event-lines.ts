import type { MachineEvent } from "../keeper/protocol.ts";
import type { Paint } from "./paint.ts";
import { visibleLine } from "./visible.ts";

/** An event for people: "2026-05-01 12:00:00.123  web  state running". */
export function eventText(event: MachineEvent, paint: Paint = (_look, text) => text): string {
  const { time, machine, type } = event;
  return `${paint("faint", localTime(new Date(time)))}  ${paint("strong", machine)}  ${type} ${visibleLine(describe(event))}`.trimEnd();
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

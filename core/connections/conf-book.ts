import { MachineError } from "../errors.ts";
import { isObject, kindOf } from "../json.ts";
import { editToml, type TomlChange } from "../toml/edit.ts";
import { parseToml } from "../toml/parse.ts";
import type { BookFormat, Connection } from "./book.ts";

const destinations = ["engine", "service_destinations"] as const;
const active = ["engine", "active_service"] as const;

/** The connections in a containers.conf, where podman 4 keeps them (containers/common, pkg/config/config.go). All else in it stays as it is. */
export const confBook: BookFormat = {
  read: async (text, file) => {
    const engine = tableAt(await parseToml(text ?? "", file), "engine", file);
    const { active_service: chosen, service_destinations: all } = engine;
    const entries = Object.entries(tableAt({ all }, "all", file, "engine.service_destinations"));
    return {
      ...(typeof chosen === "string" && chosen !== "" && { default: chosen }),
      connections: Object.fromEntries(entries.map(([name, entry]) => [name, readConnection(entry, name, file)])),
    };
  },

  change: (text, { remove = [], put = {}, default: wanted }, file) => {
    const changes: TomlChange[] = [
      ...remove.map((name) => ({ path: [...destinations, name], value: undefined })),
      ...Object.entries(put).map(([name, { uri, identity, isMachine }]) => ({
        path: [...destinations, name], value: { uri, ...(identity !== undefined && { identity }), ...(isMachine && { is_machine: true }) },
      })),
      ...(wanted === undefined ? [] : [{ path: active, value: wanted ?? undefined }]),
    ];
    return editToml(text ?? "", changes, file);
  },
};

function readConnection(entry: unknown, name: string, file: string): Connection {
  if (!isObject(entry) || typeof entry["uri"] !== "string") throw damaged(file, `the connection ${JSON.stringify(name)} has no uri`);
  const { uri, identity, is_machine: isMachine } = entry;
  return { uri: uri as string, ...(typeof identity === "string" && identity !== "" && { identity }), ...(isMachine === true && { isMachine: true }) };
}

function tableAt(fields: Readonly<Record<string, unknown>>, name: string, file: string, shown = name): Readonly<Record<string, unknown>> {
  const value = fields[name] ?? {};
  if (isObject(value)) return value;
  throw damaged(file, `${shown} is ${kindOf(value)}, expected a table`);
}

function damaged(file: string, problem: string): MachineError {
  return new MachineError("bad-config", `podman's connections cannot be read: ${file}: ${problem}`, { hint: "podman cannot read them either. Mend the file, or move it away." });
}

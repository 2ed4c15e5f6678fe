import { MachineError, messageOf } from "../errors.ts";
import { isObject, kindOf } from "../json.ts";
import type { BookChange, BookFormat, Connection, ConnectionBook } from "./book.ts";

type Fields = Readonly<Record<string, unknown>>;

/** podman-connections.json of podman 5 and newer (go.podman.io/common, pkg/config/connections.go). Fields that we do not know are kept. */
export const jsonBook: BookFormat = {
  read: async (text, file) => readBook(parse(text, file), file),

  change: async (text, change, file) => {
    const whole = parse(text, file);
    readBook(whole, file);
    const connection = fieldsAt(whole, "Connection");
    const next = { ...whole, Connection: changed(connection, change) };
    // podman writes one line; whoever laid the file out keeps the layout.
    const indent = /^\{\r?\n([ \t]+)"/.exec(text ?? "")?.[1];
    return `${JSON.stringify(next, undefined, indent)}\n`;
  },
};

function changed({ Default, Connections, ...others }: Fields, { remove = [], put = {}, default: wanted }: BookChange): Fields {
  const before = isObject(Connections) ? Connections : {};
  const left = Object.fromEntries(Object.entries(before).filter(([name]) => !remove.includes(name)));
  const entries = Object.entries(put).map(([name, { uri, identity, isMachine }]) => [name, {
    ...fieldsAt(left, name), URI: uri, ...(identity !== undefined && { Identity: identity }), ...(isMachine && { IsMachine: true }),
  }] as const);
  const all = { ...left, ...Object.fromEntries(entries) };
  const is = wanted === undefined ? Default : (wanted ?? undefined);
  return { ...(is !== undefined && { Default: is }), ...(Object.keys(all).length > 0 && { Connections: all }), ...others };
}

function readBook(whole: Fields, file: string): ConnectionBook {
  const { Default, Connections = {} } = fieldsAt(whole, "Connection", file);
  if (Default !== undefined && typeof Default !== "string") throw damaged(file, `Connection.Default is ${kindOf(Default)}, expected a string`);
  const connections = Object.entries(fieldsAt({ Connections }, "Connections", file)).map(([name, entry]) => [name, readConnection(entry, name, file)] as const);
  return { ...(Default && { default: Default }), connections: Object.fromEntries(connections) };
}

function readConnection(entry: unknown, name: string, file: string): Connection {
  if (!isObject(entry) || typeof entry["URI"] !== "string") throw damaged(file, `the connection ${JSON.stringify(name)} has no URI`);
  const { URI: uri, Identity, IsMachine } = entry;
  return { uri: uri as string, ...(typeof Identity === "string" && Identity !== "" && { identity: Identity }), ...(IsMachine === true && { isMachine: true }) };
}

/** An object within another; an absent one is empty. With a file's name anything else is refused. */
function fieldsAt(fields: Fields, name: string, file?: string): Fields {
  const value = fields[name];
  if (isObject(value)) return value;
  if (file !== undefined && value !== undefined && value !== null) throw damaged(file, `${name} is ${kindOf(value)}, expected an object`);
  return {};
}

function parse(text: string | undefined, file: string): Fields {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(file, text.trim() === "" ? "it is empty" : messageOf(cause), cause);
  }
  if (!isObject(value)) throw damaged(file, `it holds ${kindOf(value)}, expected an object`);
  return value;
}

function damaged(file: string, problem: string, cause?: unknown): MachineError {
  return new MachineError("bad-config", `podman's connections cannot be read: ${file}: ${problem}`, { cause, hint: "podman cannot read them either. Mend the file, or move it away." });
}

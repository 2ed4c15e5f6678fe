import assert from "node:assert/strict";
import type { CommandRecord } from "glowplug";

/**
 * A plan as JSON would carry it to another process: commands as their records, the rest as it is. Throws where something in it is
 * no plain data, and says where.
 */
export function plain(value: unknown, where: string): unknown {
  if (value === undefined || value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    assert.ok(Number.isFinite(value), `${where}: expected a finite number, found ${value}`);
    return value;
  }
  if (Array.isArray(value)) return value.map((item, index) => plain(item, `${where}[${index}]`));
  if (isCommand(value)) return plain(value.toRecord(), where);
  const isObject = typeof value === "object" && Object.prototype.toString.call(value) === "[object Object]" && isBare(value);
  assert.ok(isObject, `${where}: expected plain data, found ${typeof value === "object" ? `a ${value.constructor?.name ?? "strange object"}` : `a ${typeof value}`}`);
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined).map(([key, field]) => [key, plain(field, `${where}.${key}`)]));
}

/** The program and arguments of a command that the core can run. Throws for one that it could not. */
export function checkedCommand(value: unknown, where: string): CommandRecord {
  assert.ok(isCommand(value), `${where}: expected a Command, found ${value === null ? "null" : typeof value}`);
  const record = value.toRecord();
  const { program, argv, name, cwd, env } = record;
  assert.match(program, /^(\/|[^/]+$)/, `${where}: expected a program by absolute path or by its name alone, found ${program}`);
  assert.ok(name !== "" && !name.includes("/"), `${where}: expected a name for logs, found ${JSON.stringify(name)}`);
  assert.ok(cwd === undefined || cwd.startsWith("/"), `${where}: expected an absolute working folder, found ${cwd}`);
  for (const word of [program, ...argv, ...Object.entries(env ?? {}).flat()]) {
    assert.ok(typeof word === "string" && !word.includes("\0"), `${where}: expected words that a process can be given, found ${JSON.stringify(word)}`);
  }
  return record;
}

/** By what it can do: the plugin may have another copy of the class. */
function isCommand(value: unknown): value is { toRecord(): CommandRecord } {
  return typeof value === "object" && value !== null && typeof (value as { toRecord?: unknown }).toRecord === "function";
}

/** An object of no class. Its prototype may be that of another realm. */
function isBare(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

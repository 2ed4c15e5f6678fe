import { hookNames } from "../hooks/index.ts";
import { describe } from "./describe.ts";
import type { Plugin } from "./plugin.ts";
import { editDistance } from "./suggest.ts";

/** What a plugin may be asked to be. Everything that fills no slot is an addon. */
export type Role = "image" | "provisioner" | "launcher" | "forwarder" | "addon";
export type SlotRole = Exclude<Role, "addon">;

type Kind = "function" | "string" | "boolean" | "object" | "list" | readonly string[];

/** What each slot's contract demands beside the name; `core/roles` documents the members. */
const demanded: Readonly<Record<SlotRole, Readonly<Record<string, Kind>>>> = {
  image: { firstBoot: ["ignition", "cloud-init"], user: "string", locate: "function" },
  provisioner: { firstBoot: ["ignition", "cloud-init"], seed: ["ignition", "nocloud"], render: "function" },
  launcher: {
    platforms: "list", formats: "list", seeds: "list", links: "list", shares: "list", abilities: "object", ready: "object",
    check: "function", accelerators: "function", plan: "function",
  },
  forwarder: { links: "list", runtimePorts: "boolean", check: "function", plan: "function" },
};
const methods: readonly string[] = [...hookNames, "apply", "registrations"];

/** Everything that is wrong with the shape of a plugin, each as `where: expected X, found Y`. Empty when it is well. */
export function checkPlugin(value: unknown, where: string, role: Role = "addon"): string[] {
  const wanted = role === "addon" ? "a plugin" : `${withArticle(role)} plugin`;
  if (typeof value === "function") {
    const name = value.name || "it";
    return [`${where}: expected ${wanted}, found the function ${name}; call it: ${name}()`];
  }
  if (value instanceof Promise) return [`${where}: expected ${wanted}, found a promise; await it`];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${where}: expected ${wanted}, found ${describe(value)}`];
  if (Object.prototype.toString.call(value) === "[object Module]") return [`${where}: expected ${wanted}, found a whole module; use its default export`];
  const plugin = value as Readonly<Record<string, unknown>>;
  const problems: string[] = [];
  if (typeof plugin["name"] !== "string" || plugin["name"].trim() === "") problems.push(`${where}.name: expected a name, found ${describe(plugin["name"])}`);
  return [...problems, ...checkMethods(plugin, where), ...checkRole(plugin, where, role)];
}

/** One problem for each name that two plugins of a machine have. Names are what errors, plans and `before` go by. */
export function checkNames(plugins: readonly Plugin[]): string[] {
  const counts = new Map<string, number>();
  for (const { name } of plugins) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].flatMap(([name, count]) => (count > 1 ? [`plugins: expected different names, found ${count} plugins named ${JSON.stringify(name)}`] : []));
}

function checkMethods(plugin: Readonly<Record<string, unknown>>, where: string): string[] {
  const problems: string[] = [];
  for (const method of methods) {
    const found = plugin[method];
    if (found !== undefined && typeof found !== "function") problems.push(`${where}.${method}: expected a method, found ${describe(found)}`);
  }
  for (const member of membersOf(plugin)) {
    if (methods.includes(member)) continue;
    const close = hookNames.find((hook) => editDistance(member.toLowerCase(), hook.toLowerCase()) <= 2);
    if (close !== undefined) problems.push(`${where}: unknown hook ${member}; did you mean ${close}?`);
    else if (/^(before|after)[A-Z]/.test(member)) problems.push(`${where}: unknown hook ${member}; the hooks are ${hookNames.join(", ")}`);
  }
  return problems;
}

function checkRole(plugin: Readonly<Record<string, unknown>>, where: string, role: Role): string[] {
  const found = plugin["role"];
  if (role === "addon") {
    if (found === undefined) return [];
    if (typeof found === "string" && found in demanded) return [`${where}: expected an addon, found ${withArticle(found)} plugin; put it into the field ${JSON.stringify(found)}`];
    return [`${where}.role: expected none, found ${describe(found)}`];
  }
  if (found !== role) {
    const what = typeof found === "string" ? `${withArticle(found)} plugin` : "a plugin without a role";
    return [`${where}: expected ${withArticle(role)} plugin, found ${what} (${describe(plugin["name"])})`];
  }
  return Object.entries(demanded[role]).flatMap(([member, kind]) => (fits(plugin[member], kind) ? [] : [`${where}.${member}: expected ${kindWords(kind)}, found ${describe(plugin[member])}`]));
}

function fits(value: unknown, kind: Kind): boolean {
  if (typeof kind !== "string") return kind.includes(value as string);
  if (kind === "list") return Array.isArray(value);
  return typeof value === kind && value !== null;
}

function kindWords(kind: Kind): string {
  if (typeof kind !== "string") return kind.map((word) => JSON.stringify(word)).join(" or ");
  return { function: "a method", string: "a text", boolean: "true or false", object: "an object", list: "a list" }[kind];
}

/** Own members and those of its class. */
function membersOf(plugin: object): string[] {
  const members = new Set<string>();
  for (let at: object | null = plugin; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) {
    for (const member of Object.getOwnPropertyNames(at)) members.add(member);
  }
  return [...members];
}

function withArticle(word: string): string {
  return `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;
}

import { hookNames } from "../../hooks/index.ts";
import { describe } from "../describe.ts";
import { isObject } from "../json.ts";
import { socketPathLimit } from "../paths.ts";
import { checkPlugin, type Role, type SlotRole } from "../plugin-check.ts";
import { didYouMean } from "../suggest.ts";
import { isSize, parseSize } from "../units.ts";
import { nameProblem, namePattern } from "./name.ts";
import { isAddress, isPort, parsePorts } from "./ports.ts";
import { both, fieldsOf, flag, listOf, oneOf, readable, text, textOr, that, whole, type Shape } from "./shapes.ts";
import { usbProblem } from "./usb.ts";
import { parseVolume, targetProblem } from "./volumes.ts";

const size = that('a size with its unit such as "4GiB"', (value) => typeof value === "string" && isSize(value) && parseSize(value) > 0);
const swap = that('a size with its unit such as "1GiB"', (value) => typeof value === "string" && isSize(value));
const hostFile = text("a path on the host", /./);
const guestPath = text("an absolute path in the guest", /^\/(?!.*(^|\/)\.\.(\/|$))[^\0]+$/);
const owner = text("a user's name", namePattern);
const hook = that("a method", (value) => typeof value === "function");
/** First letter and characters of package names in dpkg, rpm and apk; a leading dash would be an option. */
const packageName = text("a package's name", /^[A-Za-z0-9][A-Za-z0-9+._:@~/-]*$/);
const unitName = text('a unit with its ending such as "web.service"', /^[A-Za-z0-9:_.\\@-]+\.(service|socket|timer|mount|automount|swap|target|path|slice|scope|device)$/);

const port = textOr(
  readable("a port", (value) => problemIn(parsePorts(value))),
  fieldsOf("a port", {
    host: that("an address to bind", (value) => typeof value === "string" && isAddress(value)),
    hostPort: that("a port from 1 to 65535", isPort), guestPort: that("a port from 1 to 65535", isPort), protocol: oneOf("tcp", "udp"),
  }, ["hostPort", "guestPort"]),
);

const target = readable("an absolute path in the guest", targetProblem);
const volume = textOr(
  (value, path, report) => {
    const parsed = parseVolume(String(value));
    if ("problem" in parsed) return report(path, parsed.problem);
    target(parsed.share.target ?? "/mnt", path, report);
  },
  fieldsOf("a volume", { source: text("a folder of the host", /./), target, readOnly: flag }, ["source"]),
);

const socket = fieldsOf("a socket", {
  host: both(text("an absolute path on the host", /^(\/|~\/)/), that(`a path of at most ${socketPathLimit} bytes`, (value) => typeof value !== "string" || Buffer.byteLength(value) <= socketPathLimit)),
  guest: guestPath, user: owner, probe: text("an HTTP path", /^\//), publish: flag,
}, ["host", "guest"]);

/** 644 written without its octal prefix is 0o1204, which nobody means. */
const mode: Shape = (value, path, report) => {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > 0o7777) return report(path, `expected a file mode such as 0o644, found ${describe(value)}`);
  if (Number(value) >= 512 && /^[0-7]{3}$/.test(String(value))) report(path, `expected an octal file mode, found the decimal number ${String(value)}; write 0o${String(value)}`);
};
const file = both(
  fieldsOf("a file", { path: guestPath, content: text(), source: hostFile, mode, user: owner, group: owner, overwrite: flag }, ["path"]),
  (value, path, report) => {
    if (!isObject(value)) return;
    const given = [value["content"], value["source"]].filter((field) => field !== undefined).length;
    if (given !== 1) report(path, `expected either content or source, found ${given === 0 ? "neither" : "both"}`);
  },
);
const unit = fieldsOf("a unit", {
  name: unitName, content: text(), enabled: flag, mask: flag,
  dropins: listOf(fieldsOf("a drop-in", { name: text('a file name such as "10-web.conf"', /^[^/]+\.conf$/), content: text() }, ["name", "content"])),
}, ["name"]);

/** `[name, options]`, as YAML and JSON write a plugin with options. */
function isNamedPlugin(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === "string" && isObject(value[1]);
}

function plugin(role: Role): Shape {
  return (value, path, report) => {
    if (typeof value === "string" ? value.trim() !== "" : isNamedPlugin(value)) return;
    if (typeof value === "string" || Array.isArray(value)) return report(path, `expected a plugin, its name, or [name, options], found ${describe(value)}`);
    for (const problem of checkPlugin(value, path, role)) {
      const colon = problem.indexOf(": ");
      report(problem.slice(0, colon), problem.slice(colon + 2));
    }
  };
}
const listedPlugin: Shape = (value, path, report) => {
  if (value !== false && value !== null && value !== undefined) plugin("addon")(value, path, report);
};
const slots: Readonly<Record<SlotRole, Shape>> = { image: plugin("image"), provisioner: plugin("provisioner"), launcher: plugin("launcher"), forwarder: plugin("forwarder") };

const network: Shape = (value, path, report) => {
  if (value !== false) text("a network's name, or false: letters, digits, dots, dashes and underscores", namePattern)(value, path, report);
};

/** Every field of a spec and what may stand in it. `core/spec-types.ts` documents them. */
const specFields: Readonly<Record<string, Shape>> = {
  name: readable("a name", (value) => {
    const problem = nameProblem(value);
    return problem === undefined ? undefined : `${problem}, found ${describe(value)}`;
  }),
  cpus: whole("a whole number of at least 1", 1), memory: size, disk: size, swap,
  ...slots,
  ports: listOf(port), guestPorts: oneOf("any", "loopback", "none"), sockets: listOf(socket), volumes: listOf(volume), files: listOf(file), units: listOf(unit),
  packages: listOf(packageName), run: listOf(text("a shell line", /\S/)),
  restart: oneOf("never", "on-failure", "always"), user: text("a user's name: letters, digits, dots, dashes and underscores", namePattern), rootful: flag,
  usb: listOf(readable("a USB device", usbProblem)), playbook: hostFile, ignitionPath: hostFile, importNativeCa: flag,
  timezone: readable("a time zone", timezoneProblem), podman: flag, proxy: flag, network, plugins: listOf(listedPlugin),
  ...Object.fromEntries(hookNames.map((name) => [name, hook])),
};

/** Names of all fields, hooks included. */
export const specFieldNames: readonly string[] = Object.keys(specFields);

/** A spec as a whole. */
export const specShape: Shape = fieldsOf("a machine's spec", specFields);

function problemIn(parsed: object): string | undefined {
  return "problem" in parsed ? String(parsed.problem) : undefined;
}

function timezoneProblem(zone: string): string | undefined {
  if (zone === "local") return undefined;
  try {
    if (/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(zone)) {
      new Intl.DateTimeFormat("en", { timeZone: zone });
      return undefined;
    }
  } catch {
    // said below
  }
  return `expected "local" or an IANA time zone such as "Europe/Rome", found ${JSON.stringify(zone)}${didYouMean(zone, Intl.supportedValuesOf("timeZone"))}`;
}

import { register } from "node:module";
import type { RunningCopy } from "../running-copy.ts";

/**
 * Runs in the loader's thread, hence a text. `import "glowplug"` means the running copy, so a lone file needs nothing installed beside it.
 * TypeScript outside node_modules is a module, whatever the package.json around it says, and so is JavaScript written as one: without this, tsx takes a file
 * for CommonJS where no package.json says otherwise, and then top-level await fails.
 * Packages are looked for upwards, as far as /tmp/node_modules, where anybody may have put one: taken are those of the user's, of root's,
 * and of whoever the script's folder belongs to.
 */
const hook = `
  import { existsSync, readFileSync, statSync } from "node:fs";
  import { fileURLToPath, pathToFileURL } from "node:url";
  let copy;
  export function initialize(data) { copy = data; }
  export async function resolve(specifier, context, next) {
    const file = fileOf(specifier);
    if (file) return { url: pathToFileURL(file).href, format: "module", shortCircuit: true };
    const found = await next(specifier, context);
    checkPackage(found.url, context.parentURL);
    return isModule(found) ? { ...found, format: "module" } : found;
  }
  function fileOf(specifier) {
    if (specifier === "glowplug") return copy.face;
    if (specifier === "glowplug/testing") return copy.testing;
    if (!specifier.startsWith("glowplug/plugins/")) return undefined;
    const stem = copy.plugins + specifier.slice("glowplug/plugins".length);
    return [stem + copy.ending, stem + "/index" + copy.ending].find((path) => existsSync(path));
  }
  function checkPackage(url, parent) {
    const [, folder] = /^file:\\/\\/(.*?\\/node_modules)\\//.exec(url) ?? [];
    if (folder === undefined || !parent?.startsWith("file:") || parent.includes("/node_modules/")) return;
    const { uid, mode } = statSync(decodeURIComponent(folder));
    const own = [process.getuid(), 0, statSync(new URL(".", parent)).uid];
    const whose = own.includes(uid) ? (mode & 0o002) !== 0 && "everybody may write to" : "belongs to user " + uid;
    if (whose) throw new Error(decodeURIComponent(folder) + ", which " + whose + ", is not used: install the package beside the script");
  }
  function isModule({ url, format }) {
    if (!url.startsWith("file:") || url.includes("/node_modules/")) return false;
    const path = fileURLToPath(url);
    if (/\\.m?tsx?$/.test(path)) return true;
    return path.endsWith(".js") && format !== "module" && existsSync(path) && /^\\s*(import|export)\\b/m.test(readFileSync(path, "utf8"));
  }
`;

/** Puts the hook on, once a process: Node has no way to take it off, and a script's own copy of this module shares the process. */
export function registerScriptHook(copy: RunningCopy): void {
  const mark = Symbol.for(`glowplug.scriptHook:${copy.face}`);
  const marked = globalThis as unknown as Record<symbol, boolean | undefined>;
  if (marked[mark]) return;
  marked[mark] = true;
  register(`data:text/javascript,${encodeURIComponent(hook)}`, { data: copy });
}

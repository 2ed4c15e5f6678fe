// @ts-check
/**
 * Reads the machine's own apt sources and derives one for another suite from them, so that no address stands in this project.
 * Formats: sources.list(5). Pure: text in, text out.
 */

/**
 * One source of packages.
 * @typedef {object} AptSource
 * @property {string[]} types
 * @property {string[]} uris
 * @property {string[]} suites
 * @property {string[]} components
 * @property {Record<string, string>} fields everything else, by its deb822 name: Signed-By, Trusted, ...
 */

/** Fields that say what to read rather than whom to trust; a derived source has its own. */
const own = new Set(["types", "uris", "suites", "components", "architectures", "languages", "targets", "enabled", "pdiffs", "by-hash"]);

/**
 * The sources of a `.list` file: `deb [signed-by=/a.gpg] URI SUITE COMPONENT...`, a line each.
 * @param {string} text
 * @returns {AptSource[]}
 */
export function parseList(text) {
  const sources = [];
  for (const line of text.split("\n")) {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!match) continue;
    const [, type = "", options = "", uri = "", suite = "", components = ""] = match;
    const fields = Object.fromEntries(
      words(options).map((option) => {
        const at = option.search(/[+-]?=/);
        return [fieldName(option.slice(0, at)), option.slice(option.indexOf("=") + 1).replaceAll(",", " ")];
      }),
    );
    sources.push({ types: [type], uris: [uri], suites: [suite], components: words(components), fields });
  }
  return sources;
}

/**
 * The sources of a `.sources` file: paragraphs of `Field: value`, where a value goes on in indented lines (a key block, for one).
 * @param {string} text
 * @returns {AptSource[]}
 */
export function parseDeb822(text) {
  const sources = [];
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  for (const paragraph of lines.join("\n").split(/\n[ \t]*\n/)) {
    /** @type {Record<string, string>} */
    const fields = {};
    let last = "";
    for (const line of paragraph.split("\n")) {
      const match = /^([A-Za-z][\w-]*):[ \t]*(.*)$/.exec(line);
      if (match) fields[(last = fieldName(match[1] ?? ""))] = (match[2] ?? "").trim();
      else if (/^[ \t]/.test(line) && last) fields[last] += `\n${line}`;
    }
    if (!fields["Types"] || !fields["URIs"] || /^(no|false|off|0)$/i.test(fields["Enabled"] ?? "")) continue;
    const { Types, URIs, Suites = "", Components = "", Enabled, ...rest } = fields;
    sources.push({ types: words(Types), uris: words(URIs), suites: words(Suites), components: words(Components), fields: rest });
  }
  return sources;
}

/**
 * The distribution's main archive among the sources: the one that serves the release's own suite with the component main.
 * @param {readonly AptSource[]} sources
 * @param {string} codename of the release: "bookworm"
 * @returns {AptSource | undefined}
 */
export function mainArchive(sources, codename) {
  const usable = sources.filter((source) => source.types.includes("deb") && source.components.includes("main") && source.uris.some(isRemote));
  return usable.find((source) => source.suites.includes(codename)) ?? usable.find((source) => source.suites.some((suite) => /^(stable|testing|unstable|sid)$/.test(suite)));
}

/**
 * The same archive with another suite, in deb822 form: same address, same trust, nothing but the package index.
 * @param {AptSource} source
 * @param {string} suite
 * @returns {string}
 */
export function deriveSource(source, suite) {
  const kept = Object.entries(source.fields).filter(([name]) => !own.has(name.toLowerCase()));
  return [
    "Types: deb",
    `URIs: ${source.uris.filter(isRemote).join(" ")}`,
    `Suites: ${suite}`,
    `Components: ${source.components.join(" ")}`,
    "Targets: Packages",
    ...kept.map(([name, value]) => `${name}: ${value}`),
    "",
  ].join("\n");
}

/** @param {string} uri */
function isRemote(uri) {
  return !uri.startsWith("cdrom:");
}

/** @param {string | undefined} text */
function words(text) {
  return (text ?? "").split(/\s+/).filter(Boolean);
}

/** apt ignores case in field names, and the options of a line have names of their own. @param {string} name */
function fieldName(name) {
  const lower = name.toLowerCase();
  /** @type {Record<string, string>} */
  const odd = { uris: "URIs", arch: "Architectures", lang: "Languages", target: "Targets" };
  return odd[lower] ?? lower.replace(/(^|-)[a-z]/g, (part) => part.toUpperCase());
}

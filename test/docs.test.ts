import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const pages = ["README.md", ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];

interface Snippet {
  readonly page: string;
  readonly language: string;
  /** The file that its first line names: "// examples/hooks.ts". */
  readonly file?: string;
  readonly text: string;
}

function snippetsOf(page: string): readonly Snippet[] {
  return [...readFileSync(join(root, page), "utf8").matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", body = ""]) => {
    const marked = /^(?:\/\/|#) ((?:examples|plugins|core|hooks|test)\/\S+\.\w+)\n/.exec(body);
    return { page, language, text: body.slice(marked?.[0].length ?? 0), ...(marked?.[1] !== undefined && { file: marked[1] }) };
  });
}

const snippets = pages.flatMap(snippetsOf);

describe("a snippet that names its file", () => {
  it.each(snippets.flatMap(({ page, file, text }) => (file === undefined ? [] : [[page, file, text] as const])))("in %s stands so in %s", (_, file, text) => {
    expect(readFileSync(join(root, file), "utf8").replaceAll("\r\n", "\n")).toContain(text);
  });
});

it("a page for plugin authors has no snippet without its file", () => {
  const own = snippets.filter(({ page }) => page === "docs/writing-a-plugin.md");
  expect(own.length).toBeGreaterThan(5);
  expect(own.filter(({ file }) => file === undefined)).toEqual([]);
});

it("links lead to files that are there", () => {
  const broken = pages.flatMap((page) => [...readFileSync(join(root, page), "utf8").matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
    .map(([, path = ""]) => join(dirname(page), path)).filter((path) => !existsSync(join(root, path))).map((path) => `${page}: ${path}`));
  expect(broken).toEqual([]);
});

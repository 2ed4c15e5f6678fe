/**
 * Names in a folder, as a web server's page about it links to them; those of folders end with "/". Servers write such pages in many ways (nginx,
 * Apache, MirrorCache), but all link to what is there by its name, bare, after "./", or with the whole path.
 */
export function linkedNames(page: string): readonly string[] {
  const targets = [...page.matchAll(/<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi)].map(([, double, single, bare]) => double ?? single ?? bare ?? "");
  const names = targets.flatMap((target) => /[^/]+\/?$/.exec(target.replace(/[?#].*$/, ""))?.[0] ?? []).map(decoded);
  return [...new Set(names.filter((name) => !/^\.{1,2}\/?$/.test(name)))];
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("&amp;", "&"));
  } catch {
    return name; // a percent sign that escapes nothing
  }
}

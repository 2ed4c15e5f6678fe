/** What the words of a pattern stand for: "13" for "{release}". */
export type Words = Readonly<Record<string, string>>;

/** What a word looks like that is still to be read. The rest are numbers: "20260712-2537", "10.2". */
const forms: Readonly<Record<string, string>> = { release: String.raw`\d+(?:\.\d+)*`, major: String.raw`\d+`, codename: "[a-z]+" };
const number = String.raw`\d+(?:[.-]\d+)*`;

/** A pattern with its words filled in: "debian-{release}-{arch}.qcow2". Throws Error for a word that nobody knows. */
export function fillPattern(pattern: string, words: Words): string {
  return pattern.replace(/\{(\w+)\}/g, (_, word: string) => {
    const value = words[word];
    if (value === undefined) throw new Error(`the pattern ${pattern} has the word ${word}, which is not known`);
    return value;
  });
}

/** The words that a name has where the pattern has them; what is known must be there. Undefined where the name is another. */
export function readPattern(pattern: string, known: Words, name: string): Words | undefined {
  const seen = new Set<string>();
  const parts = pattern.split(/\{(\w+)\}/).map((part, at) => {
    if (at % 2 === 0) return escaped(part);
    const value = known[part];
    if (value !== undefined) return escaped(value);
    if (seen.has(part)) return `\\k<${part}>`;
    seen.add(part);
    return `(?<${part}>${forms[part] ?? number})`;
  });
  const match = new RegExp(`^${parts.join("")}$`).exec(name);
  return match ? { ...match.groups } : undefined;
}

/** A pattern for people, with what is known filled in: "debian-13-amd64-BUILD.qcow2". */
export function shownPattern(pattern: string, known: Words): string {
  return pattern.replace(/\{(\w+)\}/g, (_, word: string) => known[word] ?? word.toUpperCase());
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

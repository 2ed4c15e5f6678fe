import { MachineError } from "../errors.ts";
import { excerpt } from "../json.ts";
import { linkedNames } from "./linked-names.ts";
import { fillPattern, readPattern, shownPattern, type Words } from "./name-pattern.ts";
import { newestOffers } from "./offers.ts";
import { addressOf, badIndex, type Look, type Search } from "./recipe.ts";

/** So many releases may be listed before they have images. */
const mostEarly = 4;

/** Does the recipe's looks from one on. Throws MachineError "not-found" for a wish that nothing fits, "bad-image" for a page that is something else. */
export async function lookFrom(at: number, known: Words, search: Search): Promise<Words> {
  const { image: { looks, title, name }, wish } = search;
  const look = looks[at];
  if (!look) return known;
  const { address, offers } = await offersOf(look, known, search);
  const fitting = newestOffers(offers, wish, { title, plugin: name, address });
  const candidates = fitting.slice(0, look.mayBeEarly && wish.release === undefined ? mostEarly : 1);
  for (const [index, offer] of candidates.entries()) {
    try {
      return await lookFrom(at + 1, withParts({ ...known, ...offer }), search);
    } catch (error) {
      if (!(error instanceof OtherNames) || index === candidates.length - 1) throw error;
    }
  }
  throw new Error("there is at least one candidate");
}

/** {major} and {minor} of a release that is known. */
export function withParts(words: Words): Words {
  const parts = words["release"]?.split(".");
  return parts ? { ...words, major: parts[0] ?? "", minor: parts.slice(0, 2).join(".") } : words;
}

async function offersOf(look: Look, known: Words, search: Search): Promise<{ readonly address: string; readonly offers: readonly Words[] }> {
  const { query, wish, image } = search;
  const address = addressOf(search, fillPattern(typeof look.at === "string" ? look.at : look.at(wish), known), known);
  const text = await query.fetchText(address);
  const patterns = look.names ?? [];
  const names = patterns.length > 0 ? linkedNames(text) : [];
  const offers = (look.offers?.(text, known) ?? byLiking(patterns, names, known)).filter((offer) => look.only?.(offer, wish) ?? true);
  const strange = offers.flatMap((offer) => Object.values(offer)).find((word) => !/^[\w.+-]+$/.test(word));
  if (strange !== undefined) throw badIndex(image, `${address} names ${JSON.stringify(strange)}, which is no part of a file's name`);
  if (offers.length > 0) return { address, offers };
  const expected = look.what ?? `a folder with ${patterns.map((name) => shownPattern(name, known)).join(" or ")}`;
  const found = names.length > 0 ? `${names.slice(0, 5).join(", ")}${names.length > 5 ? " and others" : ""}` : excerpt(text);
  const error = badIndex(image, `${address} is not what it was: expected ${expected}, found ${found}`);
  throw names.length > 0 ? new OtherNames(error) : error;
}

/** What the first pattern reads that any name fits. */
function byLiking(patterns: readonly string[], names: readonly string[], known: Words): readonly Words[] {
  const read = (pattern: string): Words[] => names.flatMap((name) => {
    const words = readPattern(pattern, known, name);
    return words ? [name.endsWith("/") ? words : { ...words, name }] : [];
  });
  return patterns.map(read).find((offers) => offers.length > 0) ?? [];
}

/** A folder that lists something, and no images. */
class OtherNames extends MachineError {
  constructor(error: MachineError) {
    super(error.code, error.message, error);
  }
}

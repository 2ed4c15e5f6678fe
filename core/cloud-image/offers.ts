import { MachineError } from "../errors.ts";
import type { Words } from "./name-pattern.ts";

/** What a user wants to stay with. */
export interface Wish {
  /** "13", "10.2", or a part, "10": then the newest of it. A codename where the publisher has them. */
  readonly release?: string;
  readonly build?: string;
}

/** Where offers were read, and whose they are. */
export interface OffersFrom {
  /** "Rocky Linux". */
  readonly title: string;
  readonly plugin: string;
  readonly address: string;
}

/** What fits the wish, newest first. Throws MachineError "not-found" that says what is there instead. `offers` has at least one. */
export function newestOffers(offers: readonly Words[], wish: Wish, { title, plugin, address }: OffersFrom): readonly Words[] {
  const fitting = offers.filter((offer) => fitsRelease(offer, wish.release) && fits(offer["build"], wish.build)).sort((one, other) => compareOffers(other, one));
  if (fitting.length > 0) return fitting;
  const ofRelease = offers.filter((offer) => fitsRelease(offer, wish.release));
  const [what, there] = ofRelease.length > 0 ? [`build ${wish.build} of release ${wish.release ?? "any"}`, ofRelease.map(({ build = "" }) => build)] : [`release ${wish.release}`, offers.map(({ release = "" }) => release)];
  const known = [...new Set(there)].sort(compareNumbers).reverse();
  throw new MachineError("not-found", `${title} has no ${what}: ${address} has ${known.slice(0, 10).join(", ")}${known.length > 10 ? ", and older ones" : ""}`, {
    plugin, hint: "Choose one of these, or leave it out for the newest.",
  });
}

/** Orders by the numbers in a text, from left to right: negative when the first is older. */
export function compareNumbers(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => (text.match(/\d+/g) ?? []).map(Number)) as [number[], number[]];
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? -1) - (b[at] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareOffers(one: Words, other: Words): number {
  return compareNumbers(one["release"] ?? "", other["release"] ?? "") || compareNumbers(one["build"] ?? "", other["build"] ?? "");
}

function fitsRelease({ release, codename }: Words, wanted: string | undefined): boolean {
  return fits(release, wanted) || (codename !== undefined && codename === wanted);
}

/** A look that says nothing of it rules nothing out. */
function fits(found: string | undefined, wanted: string | undefined): boolean {
  return wanted === undefined || found === undefined || found === wanted || found.startsWith(`${wanted}.`);
}

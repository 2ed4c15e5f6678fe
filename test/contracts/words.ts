import assert from "node:assert/strict";
import type { DiskFormat, LinkKind, SeedKind, ShareKind } from "glowplug";

/** Every word that the core knows for what plugins declare. The types hold the lists to the model: a new kind is missed here by the compiler. */
export const linkKinds = wordsOf<LinkKind>({ "unix-stream": true, "unix-dgram": true, user: true });
export const diskFormats = wordsOf<DiskFormat>({ qcow2: true, raw: true });
export const seedKinds = wordsOf<SeedKind>({ ignition: true, nocloud: true });
export const shareKinds = wordsOf<ShareKind>({ virtiofs: true, "9p": true });

function wordsOf<T extends string>(words: Readonly<Record<T, true>>): readonly T[] {
  return Object.keys(words) as T[];
}

/** Throws unless a list holds known words, each once, and at least one. */
export function checkWords(found: readonly string[], known: readonly string[] | undefined, where: string, least = 1): void {
  assert.ok(found.length >= least, `${where}: expected at least ${least} of ${known?.join(", ") ?? "anything"}, found none`);
  for (const word of found) assert.ok(known === undefined ? typeof word === "string" && word !== "" : known.includes(word), `${where}: expected ${known?.join(", ") ?? "a text"}, found ${JSON.stringify(word)}`);
  assert.equal(new Set(found).size, found.length, `${where}: expected each word once, found ${found.join(", ")}`);
}

/** Throws unless a socket or file lies in one of these folders. */
export function checkInside(path: string, folders: readonly string[], where: string): void {
  assert.ok(folders.some((folder) => path.startsWith(`${folder}/`)), `${where}: expected a path in ${folders.join(" or ")}, found ${path}`);
}

import { createHash, type Hash } from "node:crypto";
import type { DigestAlgorithm } from "./model.ts";

/** Checksums of the same bytes, each algorithm once however often it is wanted. */
export class Hashes {
  readonly #hashes: ReadonlyMap<DigestAlgorithm, Hash>;
  readonly #results = new Map<DigestAlgorithm, string>();

  constructor(algorithms: readonly DigestAlgorithm[]) {
    this.#hashes = new Map(algorithms.map((algorithm) => [algorithm, createHash(algorithm)]));
  }

  update(piece: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(piece);
  }

  /** Lower-case hex. Throws for an algorithm that was not asked for; nothing can be added afterwards. */
  hex(algorithm: DigestAlgorithm): string {
    const made = this.#results.get(algorithm) ?? this.#hashes.get(algorithm)?.digest("hex");
    if (made === undefined) throw new Error(`no ${algorithm} was made`);
    this.#results.set(algorithm, made);
    return made;
  }
}

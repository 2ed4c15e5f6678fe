/** Why a machine that is up is not well, by what it is about. */
export class Problems {
  readonly #reasons = new Map<string, string>();

  /** One reason for each thing; a later one takes its place. */
  set(about: string, reason: string): void {
    this.#reasons.set(about, reason);
  }

  clear(about: string): void {
    this.#reasons.delete(about);
  }

  has(about: string): boolean {
    return this.#reasons.has(about);
  }

  get reasons(): readonly string[] {
    return [...this.#reasons.values()];
  }
}

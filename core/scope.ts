import type { Report } from "./run.ts";

/** Undoes what a verb began, last first, unless it is told to keep it. */
export class Scope {
  readonly #undo: { readonly title: string; readonly run: () => Promise<void> | void }[] = [];
  #kept = false;

  /** Registers the undo of what was just begun. The title completes "undone: …". */
  defer(title: string, run: () => Promise<void> | void): void {
    this.#undo.push({ title, run });
  }

  /** All went well: nothing will be undone. */
  keep(): void {
    this.#kept = true;
  }

  /** Runs a recipe; when it throws, unwinds and throws the same. */
  static async run<T>(report: Report, recipe: (scope: Scope) => Promise<T>): Promise<T> {
    const scope = new Scope();
    try {
      const result = await recipe(scope);
      scope.keep();
      return result;
    } catch (error) {
      await scope.unwind(report);
      throw error;
    }
  }

  /** Undoes everything. A step that fails is a warning, and the others still run. */
  async unwind(report: Report): Promise<void> {
    if (this.#kept) return;
    for (const { title, run } of this.#undo.splice(0).reverse()) {
      try {
        await run();
        report.info(`undone: ${title}`);
      } catch (error) {
        report.warn(`could not undo: ${title}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}

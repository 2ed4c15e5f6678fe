/** One promise of a contract. Any test runner can run it: `it(title, run)`. */
export interface ContractCheck {
  readonly title: string;
  /** Rejects with what was expected and what was found. */
  run(): Promise<void>;
}

/** Puts a check together. */
export function check(title: string, run: () => Promise<void> | void): ContractCheck {
  return { title, run: async () => run() };
}

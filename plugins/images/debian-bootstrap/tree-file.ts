/** A file that the build writes into the guest. */
export interface TreeFile {
  readonly path: string;
  /** Octal, as chmod takes it. Default: 0644. */
  readonly mode?: string;
  readonly content: string;
}

/** What is known of a file. */
export interface FileInfo {
  readonly kind: "file" | "folder" | "link" | "other";
  /** Permission bits alone. */
  readonly mode: number;
  /** In bytes. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly modified: number;
}
export interface NamedFile extends FileInfo {
  readonly name: string;
}

/** Files of one side of a copy. Every refusal is a MachineError that names the path. */
export interface FileTree {
  /** "this host", "the guest": for messages. */
  readonly place: string;
  /** Follows links; undefined where nothing is. */
  find(path: string): Promise<FileInfo | undefined>;
  /** The same of a link itself. */
  findLink(path: string): Promise<FileInfo | undefined>;
  list(folder: string): Promise<readonly NamedFile[]>;
  readLink(path: string): Promise<string>;
  makeFolder(path: string): Promise<void>;
  makeLink(target: string, path: string): Promise<void>;
  /** Makes an empty file that only its owner can read, so that nobody else ever reads what is to come. */
  makeFile(path: string): Promise<void>;
  setMode(path: string, mode: number): Promise<void>;
  setModified(path: string, modified: number): Promise<void>;
  remove(path: string): Promise<void>;
}

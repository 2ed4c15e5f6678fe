/** One of podman's connections: how its client gets to a podman elsewhere. */
export interface Connection {
  /** "unix:///run/user/1000/glowplug/web/podman.sock". */
  readonly uri: string;
  /** Absolute path of the private key. */
  readonly identity?: string;
  /** Of a machine on this host: podman's client then asks nobody about the host key. */
  readonly isMachine?: boolean;
}

/** The connections of one file. */
export interface ConnectionBook {
  /** Name of the one that podman takes when none is named. */
  readonly default?: string;
  readonly connections: Readonly<Record<string, Connection>>;
}

/** What is to be different in a file. Removals come first. */
export interface BookChange {
  readonly remove?: readonly string[];
  readonly put?: Readonly<Record<string, Connection>>;
  /** null: none. */
  readonly default?: string | null;
}

/** One format of such a file. Both throw MachineError "bad-config" for a text that is not of it. `text` is undefined where there is no file yet. */
export interface BookFormat {
  read(text: string | undefined, file: string): Promise<ConnectionBook>;
  change(text: string | undefined, change: BookChange, file: string): Promise<string>;
}

/** The two connections of a machine, that of its user and that of root. */
export interface ConnectionPair {
  readonly name: string;
  readonly rootful: boolean;
}

/** The name of the connection that a machine's podman is reached by: root's has an ending of its own, as podman's. */
export function connectionName({ name, rootful }: ConnectionPair): string {
  return rootful ? `${name}-root` : name;
}

/** Adds connections. The first of all becomes the default, as podman has it (pkg/machine/connection/connection.go). */
export function adding(book: ConnectionBook, put: Readonly<Record<string, Connection>>): BookChange {
  const [first] = Object.keys(put);
  return { put, ...(Object.keys(book.connections).length === 0 && first !== undefined && { default: first }) };
}

/**
 * Removes connections. A default that goes is followed by the first of `heirs` that is there, else by the first by name; podman
 * takes its own default machine, else any. Undefined where nothing is to do.
 */
export function removing(book: ConnectionBook, names: readonly string[], heirs: readonly string[]): BookChange | undefined {
  const doomed = names.filter((name) => name in book.connections);
  if (doomed.length === 0) return undefined;
  if (book.default === undefined || !doomed.includes(book.default)) return { remove: doomed };
  const left = Object.keys(book.connections).filter((name) => !doomed.includes(name)).sort();
  return { remove: doomed, default: [...heirs, ...left].find((name) => left.includes(name)) ?? null };
}

/** Moves the default between a machine's two connections where it is one of them. */
export function following(book: ConnectionBook, { name, rootful }: ConnectionPair): BookChange | undefined {
  const [wanted, other] = [connectionName({ name, rootful }), connectionName({ name, rootful: !rootful })];
  return book.default === other && wanted in book.connections ? { default: wanted } : undefined;
}

/** Makes a machine's connection the default. Undefined where it is, and where there is no such connection. */
export function preferring(book: ConnectionBook, pair: ConnectionPair): BookChange | undefined {
  const wanted = connectionName(pair);
  return book.default === wanted || !(wanted in book.connections) ? undefined : { default: wanted };
}

import { MachineError } from "./errors.ts";
import type { GuestFile, GuestFolder, GuestLink, GuestUnit, GuestUser, ReadyPort, ShareKind } from "./model.ts";
import { cleanGuestPath } from "./systemd.ts";

/** A thing in the draft, and the plugin that put it there. */
export type Claimed<T> = T & { readonly by?: string };

/** A folder of the host as the guest mounts it. */
export interface GuestMount {
  readonly tag: string;
  readonly kind: ShareKind;
  readonly target: string;
  readonly readOnly: boolean;
}

/** A first-boot config of the user's own, in the language that the image reads. */
export interface UserConfig {
  /** Absolute path on the host, for messages. */
  readonly path: string;
  readonly text: string;
}

/**
 * What first boot shall make of the guest, in no format in particular. Plugins add to it in the `ignition` hook.
 * Two plugins may say the same thing; two that say different things about one path, unit or user are an error naming both.
 */
export class GuestDraft {
  hostname: string;
  /** The port that the ready line is written to. */
  readonly ready: ReadyPort;
  /** What the draft is merged into; where both say something, the user's own word holds. */
  userConfig?: UserConfig;
  /** Whoever adds next; the core sets it to a plugin's name around each of its hooks. */
  author?: string;
  readonly #users = new Map<string, Claimed<GuestUser>>();
  readonly #nodes = new Map<string, { readonly kind: "file" | "folder" | "link"; readonly node: Claimed<GuestFile | GuestFolder | GuestLink> }>();
  readonly #units = new Map<string, Claimed<GuestUnit>>();
  readonly #packages = new Map<string, Claimed<{ readonly name: string }>>();
  readonly #commands: Claimed<{ readonly command: string }>[] = [];
  readonly #mounts: Claimed<GuestMount>[] = [];
  readonly #readyUnits = new Set<string>();

  constructor(options: { hostname: string; ready: ReadyPort }) {
    this.hostname = options.hostname;
    this.ready = options.ready;
  }

  get users(): readonly Claimed<GuestUser>[] { return [...this.#users.values()]; }
  get files(): readonly Claimed<GuestFile>[] { return this.#ofKind("file"); }
  get folders(): readonly Claimed<GuestFolder>[] { return this.#ofKind("folder"); }
  get links(): readonly Claimed<GuestLink>[] { return this.#ofKind("link"); }
  /** Units with `enabled` filled in: true where the text has an [Install] section and nobody said otherwise. */
  get units(): readonly Claimed<GuestUnit>[] {
    return [...this.#units.values()].map((unit) => (unit.enabled === undefined && !unit.mask && unit.content !== undefined && /^\[Install\]\s*$/m.test(unit.content) ? { ...unit, enabled: true } : unit));
  }
  get packages(): readonly string[] { return [...this.#packages.keys()]; }
  /** Shell lines run once as root at the end of the first boot, in order. */
  get commands(): readonly Claimed<{ readonly command: string }>[] { return this.#commands; }
  get mounts(): readonly Claimed<GuestMount>[] { return this.#mounts; }
  /** Units that must be up before the ready line is sent. */
  get readyUnits(): readonly string[] { return [...this.#readyUnits]; }
  /** Every thing in the draft by its name, and the plugin that put it there. For plans. */
  get parts(): readonly { readonly what: string; readonly by?: string }[] {
    const part = (what: string, { by }: { readonly by?: string }) => ({ what, ...(by !== undefined && { by }) });
    return [
      ...this.users.map((user) => part(`user ${user.name}`, user)),
      ...[...this.#nodes.values()].map(({ kind, node }) => part(`${kind} ${node.path}`, node)),
      ...this.units.map((unit) => part(`unit ${unit.name}`, unit)),
      ...[...this.#packages.values()].map((item) => part(`package ${item.name}`, item)),
      ...this.#commands.map((item) => part(`command ${item.command}`, item)),
      ...this.#mounts.map((mount) => part(`volume ${mount.target}`, mount)),
      ...(this.userConfig ? [part(`config ${this.userConfig.path}`, {})] : []),
    ];
  }

  /** Adds a user, or groups and keys to one that is there. */
  user(user: GuestUser): this {
    const old = this.#users.get(user.name);
    if (old) {
      for (const field of ["uid", "shell", "absent"] as const) {
        if (old[field] !== undefined && user[field] !== undefined && old[field] !== user[field]) this.#conflict(`user ${user.name}`, old.by);
      }
    }
    const merged: GuestUser = {
      ...old, ...definedOf(user), name: user.name,
      ...union("groups", old?.groups, user.groups), ...union("authorizedKeys", old?.authorizedKeys, user.authorizedKeys),
    };
    this.#users.set(user.name, old ? { ...merged, by: old.by } : this.#claim(merged));
    return this;
  }

  /** Adds a file. Its `content` must be there: the core has read the spec's `source` files before. */
  file(file: GuestFile): this {
    if (file.content === undefined) {
      throw new MachineError("bad-spec", `the guest file ${file.path} has no content`, { hint: "Give its text as `content`; only files of a spec may name a `source`.", plugin: this.author });
    }
    return this.#node("file", file);
  }
  /** Adds a folder; its parents are made by first boot. */
  folder(folder: GuestFolder): this { return this.#node("folder", folder); }
  /** Adds a symbolic link. */
  link(link: GuestLink): this { return this.#node("link", link); }

  /** Adds a systemd unit, or settings and drop-ins for one that is there. */
  unit(unit: GuestUnit): this {
    const old = this.#units.get(unit.name);
    if (!old) {
      this.#units.set(unit.name, this.#claim(unit));
      return this;
    }
    for (const field of ["content", "enabled", "mask"] as const) {
      if (old[field] !== undefined && unit[field] !== undefined && old[field] !== unit[field]) this.#conflict(`unit ${unit.name}`, old.by);
    }
    const dropins = new Map((old.dropins ?? []).map((dropin) => [dropin.name, dropin]));
    for (const dropin of unit.dropins ?? []) {
      const before = dropins.get(dropin.name);
      if (before && before.content !== dropin.content) this.#conflict(`drop-in ${unit.name}.d/${dropin.name}`, old.by);
      dropins.set(dropin.name, dropin);
    }
    this.#units.set(unit.name, { ...old, ...definedOf(unit), ...(dropins.size > 0 && { dropins: [...dropins.values()] }), by: old.by });
    return this;
  }

  /** Installs packages at first boot, with the guest's own package manager. */
  package(...names: string[]): this {
    for (const name of names) if (!this.#packages.has(name)) this.#packages.set(name, this.#claim({ name }));
    return this;
  }

  /** Runs a shell line once, as root, at the end of the first boot. */
  run(command: string): this {
    this.#commands.push(this.#claim({ command }));
    return this;
  }

  /** Mounts a share at every boot. */
  mount(mount: GuestMount): this {
    const target = cleanGuestPath(mount.target, this.author);
    if (this.#mounts.some((other) => other.target === target)) {
      throw new MachineError("conflict", `two volumes have the target ${target}`, { hint: "Give one of them another target.", plugin: this.author });
    }
    this.#mounts.push(this.#claim({ ...mount, target }));
    return this;
  }

  /** Starts units at every boot, if the guest has them, and sends the ready line only after them. */
  readyAfter(...units: readonly string[]): this {
    for (const unit of units) this.#readyUnits.add(unit);
    return this;
  }

  /** Takes back whatever was said about a path, so that another can be said. */
  dropPath(path: string): this {
    this.#nodes.delete(cleanGuestPath(path, this.author));
    return this;
  }
  /** Takes back a unit. */
  dropUnit(name: string): this {
    this.#units.delete(name);
    return this;
  }

  #node(kind: "file" | "folder" | "link", said: GuestFile | GuestFolder | GuestLink): this {
    const node = { ...said, path: cleanGuestPath(said.path, this.author) };
    const old = this.#nodes.get(node.path);
    if (!old) {
      this.#nodes.set(node.path, { kind, node: this.#claim(node) });
    } else {
      const { by, ...before } = old.node;
      if (old.kind !== kind || JSON.stringify(sorted(before)) !== JSON.stringify(sorted(node))) this.#conflict(`path ${node.path}`, by);
    }
    return this;
  }

  #ofKind<T extends GuestFile | GuestFolder | GuestLink>(kind: "file" | "folder" | "link"): readonly Claimed<T>[] {
    return [...this.#nodes.values()].flatMap((entry) => (entry.kind === kind ? [entry.node as Claimed<T>] : []));
  }

  #claim<T extends object>(thing: T): Claimed<T> {
    return this.author === undefined ? thing : { ...thing, by: this.author };
  }

  #conflict(what: string, other: string | undefined): never {
    throw new MachineError("conflict", `${other ?? "the core"} and ${this.author ?? "the core"} both claim the guest's ${what}, with different contents`, {
      hint: "Remove one of the two plugins, or let the later one call dropPath() or dropUnit() first.", plugin: this.author, stage: "ignition",
    });
  }
}

function definedOf<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<T>;
}

function union<K extends string>(key: K, left: readonly string[] | undefined, right: readonly string[] | undefined): { [N in K]?: readonly string[] } {
  if (!left && !right) return {};
  return { [key]: [...new Set([...(left ?? []), ...(right ?? [])])] } as unknown as { [N in K]?: readonly string[] };
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(definedOf(value)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

import { readFileSync } from "node:fs";
import { readConfs } from "../containers-conf.ts";
import { isObject, readObject } from "../json.ts";
import type { Paths } from "../paths.ts";
import { statementsOf } from "../toml/statements.ts";

/**
 * Name of podman's default connection; undefined where there is none. As podman 5 has it, that of its own file comes before those of
 * containers.conf. Read without a parser of TOML, since `list` asks; a file that cannot be read says nothing here.
 */
export function defaultConnection({ podman }: Pick<Paths, "podman">): string | undefined {
  return inJson(podman.connections) ?? inConfs(podman);
}

/** Whether it leads to a machine, to its user's podman or to root's. */
export function leadsTo(connection: string | undefined, name: string): boolean {
  return connection === name || connection === `${name}-root`;
}

function inJson(path: string): string | undefined {
  const read = readObject(textOf(path));
  const connection = "object" in read ? read.object["Connection"] : undefined;
  const chosen = isObject(connection) ? connection["Default"] : undefined;
  return typeof chosen === "string" && chosen !== "" ? chosen : undefined;
}

function inConfs({ confs }: Paths["podman"]): string | undefined {
  const chosen = confs.flatMap((path) => readQuietly(path)).flatMap((text) => {
    const value = statementsOf(text).findLast(({ kind, path }) => kind === "pair" && path.join(".") === "engine.active_service")?.value;
    return value ? [/^(["'])(.*)\1$/.exec(text.slice(value.start, value.end))?.[2] ?? ""] : [];
  });
  return chosen.at(-1) || undefined;
}

function readQuietly(path: string): readonly string[] {
  try {
    return readConfs({ confs: [path], namedConfs: [] }).map(({ text }) => text);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder, writeFileDurably } from "./atomic.ts";
import { MachineError } from "./errors.ts";
import { shownUrl } from "./http.ts";
import type { Run } from "./run.ts";

/** The last good answer of an address: an index, a checksum file, a signature. What `--offline` reads. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What a server says to one client alone: cookies, and who may ask what. */
const personal = /^(set-cookie2?|authorization|proxy-.*|www-authenticate|authentication-info)$/;

/** Keeps an answer, but for headers that are the asker's own. A cache that cannot be written is no reason to fail. */
export async function keepAnswer(url: string, { status, headers, body }: KeptAnswer, { paths, report }: Pick<Run, "paths" | "report">): Promise<void> {
  const folder = join(paths.cache, "texts");
  const plain = Object.fromEntries(Object.entries(headers).filter(([name]) => !personal.test(name)));
  try {
    makePrivateFolder(folder);
    await writeFileDurably(join(folder, nameOf(url)), JSON.stringify({ url: shownUrl(url), status, headers: plain, body: body.toString("base64") }));
  } catch (error) {
    report.debug(`no copy of ${shownUrl(url)} is kept: ${String(error)}`);
  }
}

/** The answer that was kept. Throws MachineError "offline" naming the address where there is none. */
export function keptAnswer(url: string, { paths }: Pick<Run, "paths">): KeptAnswer {
  try {
    const kept = JSON.parse(readFileSync(join(paths.cache, "texts", nameOf(url)), "utf8")) as { status: number; headers: Record<string, string>; body: string };
    return { status: kept.status, headers: kept.headers, body: Buffer.from(kept.body, "base64") };
  } catch (cause) {
    throw new MachineError("offline", `${shownUrl(url)} was not fetched before, and nothing may be fetched offline`, { cause, hint: "Do it once without --offline and GLOWPLUG_OFFLINE; then a copy is kept." });
  }
}

function nameOf(url: string): string {
  return `${createHash("sha256").update(url).digest("hex")}.json`;
}

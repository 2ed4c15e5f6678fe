import { createServer } from "node:net";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isListening, isListeningIn } from "../../../core/keeper/listening.ts";
import { makeTestFolder } from "../../support/folders.ts";

const row = (flags: string, state: string, path: string): string => `0000000000000000: 00000002 00000000 ${flags} 0001 ${state} 12345 ${path}`;
const heading = "Num       RefCount Protocol Flags    Type St Inode Path\n";

test.each<[string, readonly string[], boolean]>([
  ["nobody", [], false],
  ["one that is bound", [row("00000000", "01", "/a")], false],
  ["one that listens", [row("00010000", "01", "/a")], true],
  ["one that listens, with a connection", [row("00010000", "01", "/a"), row("00000000", "03", "/a")], true],
  ["one that listens elsewhere", [row("00010000", "01", "/b/a")], false],
  ["one whose file was removed, and one in its place that is bound", [row("00010000", "01", "/a"), row("00000000", "01", "/a")], false],
  ["one whose file was removed, and one in its place that listens", [row("00010000", "01", "/a"), row("00010000", "01", "/a")], true],
])("%s listens: it is told", (_, rows, listens) => {
  expect(isListeningIn(`${heading}${rows.join("\n")}\n`, "/a")).toBe(listens);
});

test("a socket listens until its server is closed, or its file is gone", async () => {
  const { path: folder, remove } = makeTestFolder();
  onTestFinished(remove);
  const path = join(folder, "socket");
  expect(isListening(path)).toBe(false);
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(isListening(path)).toBe(true);
  rmSync(path);
  expect(isListening(path)).toBe(false);
});

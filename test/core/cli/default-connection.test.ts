import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { wantsDefault } from "../../../core/cli/default-connection.ts";
import { adding } from "../../../core/connections/book.ts";
import { editBook } from "../../../core/connections/edit.ts";
import type { MachineRecord } from "../../../core/record.ts";
import { makeTestFolder, type TestFolder } from "../../support/folders.ts";
import { sampleRecord } from "../../support/record.ts";

let folder: TestFolder;
let record: MachineRecord;
beforeEach(async () => {
  folder = makeTestFolder();
  const book = { path: folder.paths.podman.connections, format: "json" as const };
  for (const name of ["mine", "web"]) await editBook(book, (now) => adding(now, { [name]: { uri: name, identity: "/key" } }), { paths: folder.paths, signal: new AbortController().signal });
  record = sampleRecord(folder.paths, "web", { undo: [{ title: "podman connection web", connection: { ...book, name: "web", identity: "/key" } }] });
});
afterEach(() => folder.remove());

/** Asks with this answer typed; resolves to what came of it, and to what was printed. */
async function ask(answer: string, { flag, isTTY = true, json = false, its = record }: { flag?: boolean; isTTY?: boolean; json?: boolean; its?: MachineRecord | undefined } = {}): Promise<[boolean, string]> {
  let printed = "";
  const stdin = Object.assign(new PassThrough(), { isTTY });
  stdin.end(answer);
  const call = { output: { write: (text: string) => void (printed += text) }, globals: { json }, shell: { stdin, signal: new AbortController().signal } };
  return [await wantsDefault(flag, its, call as unknown as Parameters<typeof wantsDefault>[2]), printed];
}
const question = "podman's default connection leads elsewhere: a podman that is told no other goes there.\nSet the default Podman connection to this machine? [y/N] ";

it("somebody at a terminal is asked whether the machine shall be podman's default", async () => {
  expect(await ask("y\n")).toEqual([true, question]);
  expect(await ask("\n")).toEqual([false, question]);
});

it("nobody is asked where that was said, where nobody is there, and where the answer is an object", async () => {
  expect(await ask("y\n", { flag: true })).toEqual([true, ""]);
  expect(await ask("y\n", { flag: false })).toEqual([false, ""]);
  expect(await ask("y\n", { isTTY: false })).toEqual([false, ""]);
  expect(await ask("y\n", { json: true })).toEqual([false, ""]);
});

it("nobody is asked for a machine that has no connections, or the default already", async () => {
  expect(await ask("y\n", { its: { ...record, undo: [] } })).toEqual([false, ""]);
  const book = { path: folder.paths.podman.connections, format: "json" as const };
  await editBook(book, () => ({ default: "web-root" }), { paths: folder.paths, signal: new AbortController().signal });
  expect(await ask("y\n")).toEqual([false, ""]);
});

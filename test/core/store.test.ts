import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Paths } from "../../core/paths.ts";
import type { MachineRecord } from "../../core/record.ts";
import { listMachineFiles, listRecords, mendRecord, readRecord, removeMachineFiles, updateRecord, writeRecord } from "../../core/store.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { sampleRecord } from "../support/record.ts";

let folder: TestFolder;
let paths: Paths;
beforeEach(() => {
  folder = makeTestFolder();
  paths = folder.paths;
});
afterEach(() => folder.remove());

/** Puts a text where a machine's record belongs. */
function plant(name: string, text: string): string {
  const file = paths.machine(name).record;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
/** The text of a good record but for one field; "ssh.port" names an inner one. */
function recordWith(field: string, value: unknown): string {
  const record = structuredClone(sampleRecord(paths, "web")) as unknown as Record<string, Record<string, unknown>>;
  const [outer = "", inner] = field.split(".");
  if (inner === undefined) (record as Record<string, unknown>)[outer] = value;
  else (record[outer] ??= {})[inner] = value;
  return JSON.stringify(record);
}
const thrown = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe("a record", () => {
  test("is read as it was written, and only its owner can read it", async () => {
    const record = sampleRecord(paths, "web");
    await writeRecord(paths, record);
    expect(readRecord(paths, "web")).toEqual(record);
    expect([statSync(paths.machine("web").data).mode & 0o777, statSync(paths.machine("web").record).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  test("of an older glowplug has the fields that came later, each meaning what it meant before", () => {
    const record = sampleRecord(paths, "web");
    const { swap: _swap, usb: _usb, importNativeCa: _ca, ...spec } = record.spec;
    plant("web", JSON.stringify({ ...record, spec }));
    expect(readRecord(paths, "web")).toEqual(record);
  });

  test("that is not there is no error, also before the first machine", () => {
    expect([readRecord(paths, "web"), listRecords(paths)]).toEqual([undefined, { records: [], damaged: [], copies: [] }]);
  });

  test.each([
    ["an empty file", () => "", "it is empty"],
    ["a text cut in the middle", () => '{"version": 1, "na', "it is no JSON"],
    ["a list", () => "[]", "it holds no object"],
    ["no version", () => recordWith("version", undefined), "version is missing, expected 1"],
    ["an unknown old version", () => recordWith("version", 0), "version is 0, expected 1"],
    ["a port that is a text", () => recordWith("ssh.port", "40022"), 'ssh.port is "40022", expected a port number'],
    ["no disk", () => recordWith("disk", null), "disk.path is missing, expected an absolute path"],
    ["a relative path", () => recordWith("disk.path", "disk.qcow2"), 'disk.path is "disk.qcow2", expected an absolute path'],
    ["an unknown disk format", () => recordWith("disk.format", "vdi"), 'disk.format is "vdi", expected qcow2 or raw'],
    ["a date that is none", () => recordWith("created", "yesterday"), 'created is "yesterday", expected a date'],
    ["memory in words", () => recordWith("spec.memory", "2GiB"), 'spec.memory is "2GiB", expected a whole number'],
    ["another machine's name", () => recordWith("name", "db"), 'name is "db", expected "web", as its folder\'s'],
  ])("with %s is called damaged, and says what is wrong", (_, text, problem) => {
    const file = plant("web", text());
    expect(thrown(() => readRecord(paths, "web"))).toMatchObject({
      code: "record", message: `the record of machine "web" is damaged (${file}): ${problem}`, hint: "Repair the file, or remove the machine with `glowplug rm --force web`.",
    });
  });

  test("of a newer version is left to the newer glowplug", () => {
    plant("web", recordWith("version", 2));
    expect(thrown(() => readRecord(paths, "web"))).toMatchObject({
      code: "record", message: 'machine "web" was made by a newer glowplug: its record has version 2, this one reads 1', hint: "Use the newer glowplug for it.",
    });
  });

  test("with many mistakes tells all of them at once", () => {
    plant("web", JSON.stringify({ ...sampleRecord(paths, "web"), mac: 5, undo: "no", firstBoot: "" }));
    expect(thrown(() => readRecord(paths, "web"))).toMatchObject({ details: ['undo is "no", expected a list of commands and connections', "mac is 5, expected a text", 'firstBoot is "", expected ignition or cloud-init'] });
  });

  test("that is damaged hides no other", async () => {
    const good = [sampleRecord(paths, "a"), sampleRecord(paths, "z")];
    for (const record of good) await writeRecord(paths, record);
    const file = plant("m", "{");
    mkdirSync(paths.machine("half-made").data);
    mkdirSync(join(paths.machines, "no name"));
    expect(listRecords(paths)).toEqual({ records: good, damaged: [{ name: "m", path: file, problem: `the record of machine "m" is damaged (${file}): it is no JSON` }], copies: [] });
  });

  test.each(["", "{", "[]", '{"version":1}'])("that is damaged (%j) is served by its copy, which takes its place when that is asked for", async (text) => {
    const record = sampleRecord(paths, "web");
    await writeRecord(paths, record);
    const file = plant("web", text);
    expect(readRecord(paths, "web")).toEqual(record);
    expect(listRecords(paths)).toMatchObject({ records: [record], damaged: [], copies: [{ name: "web", path: file }] });
    expect(await mendRecord(paths, "web")).toEqual({ aside: `${file}.damaged`, problem: expect.stringContaining(`the record of machine "web" is damaged (${file})`) as string });
    expect([readFileSync(`${file}.damaged`, "utf8"), listRecords(paths)]).toEqual([text, { records: [record], damaged: [], copies: [] }]);
    expect(await mendRecord(paths, "web")).toBeUndefined();
    plant("web", "again");
    expect((await mendRecord(paths, "web"))?.aside).toBe(`${file}.damaged-2`);
  });

  test("whose copy was not brought up to date brings it so", async () => {
    await writeRecord(paths, sampleRecord(paths, "web"));
    const { record: file, recordCopy } = paths.machine("web");
    for (const stale of [recordWith("mac", "5a:94:ef:00:00:01"), ""]) {
      writeFileSync(recordCopy, stale);
      expect(await mendRecord(paths, "web")).toBeUndefined();
      expect(readFileSync(recordCopy, "utf8")).toBe(readFileSync(file, "utf8"));
    }
    rmSync(recordCopy);
    expect(await mendRecord(paths, "web")).toBeUndefined();
    expect(readFileSync(recordCopy, "utf8")).toBe(readFileSync(file, "utf8"));
  });

  test("whose copy is damaged as well, or from a newer glowplug, is not replaced", async () => {
    await writeRecord(paths, sampleRecord(paths, "web"));
    plant("web", recordWith("version", 2));
    await expect(mendRecord(paths, "web")).rejects.toMatchObject({ message: expect.stringContaining("was made by a newer glowplug") as string });
    plant("web", "");
    writeFileSync(paths.machine("web").recordCopy, "");
    await expect(mendRecord(paths, "web")).rejects.toMatchObject({ code: "record", message: expect.stringContaining("it is empty") as string });
  });

  test("that is gone is gone, whatever its copy says", async () => {
    await writeRecord(paths, sampleRecord(paths, "web"));
    rmSync(paths.machine("web").record);
    expect([readRecord(paths, "web"), listRecords(paths).records]).toEqual([undefined, []]);
  });

  test("keeps every one of many changes made at once", async () => {
    await writeRecord(paths, sampleRecord(paths, "web"));
    const add = (record: MachineRecord): MachineRecord => ({ ...record, overrides: { ...record.overrides, [`n${Object.keys(record.overrides).length}`]: 1 } });
    await Promise.all(Array.from({ length: 12 }, () => updateRecord(paths, "web", add)));
    expect(Object.keys(readRecord(paths, "web")?.overrides ?? {})).toHaveLength(12);
    expect(readdirSync(paths.machine("web").data)).toEqual(["machine.json", "machine.json.copy"]);
  });

  test("of a machine that is gone cannot be changed, and no folder appears", async () => {
    await expect(updateRecord(paths, "web", (record) => record)).rejects.toMatchObject({ code: "no-machine", message: 'machine "web" does not exist' });
    expect(existsSync(paths.machine("web").data)).toBe(false);
  });

  test.each(["", "..", ".", "a/b", "../a", "/etc", "-a", "a b"])("has no name %j", (name) => {
    expect(thrown(() => readRecord(paths, name))).toMatchObject({ code: "bad-name" });
  });
});

describe("removing a machine's files", () => {
  /** A machine with files in both folders. */
  async function makeMachine(): Promise<ReturnType<Paths["machine"]>> {
    await writeRecord(paths, sampleRecord(paths, "web"));
    const files = paths.machine("web");
    for (const file of [files.disk, files.log("serial"), files.keeperPlan]) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, "x");
    }
    return files;
  }

  test("takes both folders, the record first, and tells each file", async () => {
    const files = await makeMachine();
    const listed = listMachineFiles(paths, "web");
    expect(listed).toEqual([files.record, files.disk, files.log("serial"), files.recordCopy, files.keeperPlan]);
    const told: string[] = [];
    expect(removeMachineFiles(paths, "web", [], (path) => told.push(path))).toEqual(listed);
    expect([told, existsSync(files.data), existsSync(files.runtime)]).toEqual([listed, false, false]);
    expect(removeMachineFiles(paths, "web")).toEqual([]);
  });

  test("leaves what is to be kept, and other machines alone", async () => {
    const files = await makeMachine();
    await writeRecord(paths, sampleRecord(paths, "web2"));
    removeMachineFiles(paths, "web", [files.disk]);
    expect([readdirSync(files.data), existsSync(files.runtime), readRecord(paths, "web2")?.name]).toEqual([["disk.qcow2"], false, "web2"]);
  });

  test("removes links and never what they lead to", async () => {
    const files = await makeMachine();
    mkdirSync(join(folder.path, "precious"));
    writeFileSync(join(folder.path, "precious/file"), "x");
    symlinkSync(join(folder.path, "precious"), join(files.data, "link"));
    removeMachineFiles(paths, "web");
    mkdirSync(paths.machines, { recursive: true });
    symlinkSync(join(folder.path, "precious"), paths.machine("web").data);
    removeMachineFiles(paths, "web");
    expect([existsSync(files.data), readdirSync(join(folder.path, "precious"))]).toEqual([false, ["file"]]);
  });

  test.each(["", ".", "..", "../..", "a/../..", "/", "a/b"])("refuses the name %j", (name) => {
    expect(thrown(() => removeMachineFiles(paths, name))).toMatchObject({ code: "bad-name", message: expect.stringContaining("nothing was removed") });
  });
});

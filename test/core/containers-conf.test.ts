import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readConfs } from "../../core/containers-conf.ts";
import { helperFoldersOf } from "../../core/helper-folders.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";

let folder: TestFolder;
beforeEach(() => {
  folder = makeTestFolder();
});
afterEach(() => folder.remove());

function put(path: string, text: string): string {
  const whole = join(folder.path, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
  return whole;
}
const at = (...paths: string[]): readonly string[] => paths.map((path) => join(folder.path, path));

describe("podman's settings", () => {
  it("are read file by file, those of a folder by name, and what is not there is passed over", () => {
    for (const path of ["etc.conf", "etc.conf.d/20.conf", "etc.conf.d/10.conf", "etc.conf.d/no.txt", "etc.conf.d/folder.conf/x", "user.conf"]) put(path, path);
    expect(readConfs({ confs: at("usr.conf", "etc.conf", "etc.conf.d", "user.conf", "user.conf.d"), namedConfs: [] }).map(({ text }) => text)).toEqual(["etc.conf", "etc.conf.d/10.conf", "etc.conf.d/20.conf", "user.conf"]);
  });

  it("must be there where the environment names them", () => {
    const confs = at("nothing.conf");
    expect(() => readConfs({ confs, namedConfs: confs })).toThrow(expect.objectContaining({ code: "not-found", message: `there is no ${confs[0]}, which CONTAINERS_CONF or CONTAINERS_CONF_OVERRIDE names` }));
  });
});

describe("helper_binaries_dir", () => {
  const folders = (...texts: string[]): readonly string[] => helperFoldersOf({ confs: texts.map((text, index) => put(`${index}.conf`, text)) });

  it.each<[string, readonly string[], readonly string[]]>([
    ["is a list of folders", ['[engine]\nhelper_binaries_dir = [ # mine\n  "/opt/a", # not "/opt/no"\n  \'/opt/b\',\n]\n'], ["/opt/a", "/opt/b"]],
    ["takes the place of an earlier file's", ['[engine]\nhelper_binaries_dir = ["/a"]', '[engine]\nhelper_binaries_dir = ["/b"]'], ["/b"]],
    ["is added to an earlier file's on request", ['[engine]\nhelper_binaries_dir = ["/a"]', '[engine]\nhelper_binaries_dir = ["/b", {append = true}]'], ["/a", "/b"]],
    ["says nothing of folders beside podman's own program", ['[engine]\nhelper_binaries_dir = ["$BINDIR/../libexec", "/a"]'], ["/a"]],
    ["counts in its own table alone", ['[machine]\nhelper_binaries_dir = ["/a"]', 'helper_binaries_dir = ["/b"]', "[engine]\nother = 1\n"], []],
    ["is passed over in a file that is none", ["[engine\nhelper_binaries_dir = ['/a']"], []],
  ])("%s", (_, texts, expected) => {
    expect(folders(...texts)).toEqual(expected);
  });

  it("is looked into before podman's own folders, and files that are not there are none", () => {
    expect(helperFoldersOf({ confs: at("none.conf", "none.conf.d") })).toEqual([]);
  });
});

import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { hostOfProcess } from "../../core/host.ts";
import { unpackedTools } from "../../core/unpacked-tools.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { isRoot } from "../support/other-user.ts";

const own = process.getuid?.() ?? 0;

/** A folder of tools with one program, called as nothing else on this host is. */
function tools(): TestFolder & { readonly program: string } {
  const folder = makeTestFolder();
  onTestFinished(folder.remove);
  const program = join(folder.paths.tools, "glow-tool/usr/bin/glow-tool");
  mkdirSync(join(program, ".."), { recursive: true, mode: 0o755 });
  writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
  return { ...folder, program };
}
const find = ({ paths }: TestFolder): string | undefined => hostOfProcess(paths).find("glow-tool");

describe("a program that set-up unpacked", () => {
  test("is found where all of its way is the user's", () => {
    const folder = tools();
    expect(find(folder)).toBe(folder.program);
    expect(unpackedTools(folder.paths.tools, own)).toEqual({ folders: [join(folder.program, "..")], refused: [] });
  });

  test.each(["", "glow-tool", "glow-tool/usr", "glow-tool/usr/bin"])("is not run where others may write to tools/%s, and that is told", (part) => {
    const folder = tools();
    const open = join(folder.paths.tools, part);
    for (const mode of [0o777, 0o1777]) {
      chmodSync(open, mode);
      expect(find(folder)).toBeUndefined();
      expect(unpackedTools(folder.paths.tools, own).refused).toMatchObject([{ doubt: expect.stringContaining("can be written to by everybody") as string }]);
    }
    chmodSync(open, 0o755);
    expect(find(folder)).toBe(folder.program);
  });

  test("is not run where others may write to the file itself", () => {
    const folder = tools();
    chmodSync(folder.program, 0o777);
    expect(find(folder)).toBeUndefined();
  });

  test.each(["", "glow-tool", "glow-tool/usr", "glow-tool/usr/bin", "glow-tool/usr/bin/glow-tool"])("is not run where tools/%s is somebody else's", (part) => {
    const folder = tools();
    const other = isRoot ? own : own + 1;
    if (isRoot) chownSync(join(folder.paths.tools, part), 61_234, 61_234);
    if (isRoot) return expect(find(folder)).toBeUndefined();
    // Without root nothing can be given away: then everything is somebody else's.
    expect(unpackedTools(folder.paths.tools, other).folders).toEqual([]);
  });

  test("is not run from a folder of others that a link leads to", () => {
    const [folder, elsewhere] = [tools(), tools()];
    const link = join(folder.paths.data, "link");
    symlinkSync(elsewhere.paths.tools, link);
    expect(unpackedTools(link, own).folders).toEqual([join(link, "glow-tool/usr/bin")]);
    chmodSync(join(elsewhere.paths.tools, ".."), 0o777);
    expect(unpackedTools(link, own)).toMatchObject({ folders: [], refused: [{ path: link }] });
  });
});

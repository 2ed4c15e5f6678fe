import { existsSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { commandLine } from "./command-line.ts";

const long = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

describe("what podman's init refuses is refused in its words, before anything is made", () => {
  test.each<[argv: readonly string[], message: string]>([
    [[long], `machine name "${long}" must be 30 characters or less`],
    [["a b"], 'invalid name "a b": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument'],
    [["ab/cd"], 'invalid name "ab/cd": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument'],
    [["QEMU"], 'cannot use "QEMU" for a machine name'],
    [["wsl"], 'cannot use "wsl" for a machine name'],
    [["--provider", "hyperv", "web"], 'unsupported provider "hyperv"'],
    [["--username", "-/a", "web"], 'invalid username "-/a": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument'],
    [["--cpus", "99999", "web"], expect.stringMatching(/^requested number of CPUs \(99999\) greater than number of host CPUs \(\d+\)$/) as string],
    [["--memory", "99999999", "web"], expect.stringMatching(/^requested amount of memory \(99999999 MB\) greater than total system memory \(\d+ MB\)$/) as string],
    [["-v", "/:/etc", "web"], 'machine mount destination cannot be "/etc": consider another location or a subdirectory of an existing location'],
    [["--usb", "bus=1", "web"], "usb: fail to parse: missing ',': bus=1"],
    [["taken"], 'machine "taken" already exists'],
  ])("%j", async (argv, message) => {
    const { run, add, paths } = commandLine();
    add("taken");
    const { status, stdout } = await run(["machine", "init", "--json", ...argv]);
    expect({ status, ...JSON.parse(stdout) as { error: { message: string } } }).toMatchObject({ status: 125, error: { message } });
    expect([existsSync(paths.machine("web").data), existsSync(paths.store)]).toEqual([false, false]);
  });

  test.each<[argv: readonly string[], first: RegExp]>([
    [["--provider", "x", "--username", "-", long], /^Error: machine name/],
    [["--provider", "x", "--username", "-", "qemu"], /^Error: unsupported provider/],
    [["--username", "-", "qemu"], /^Error: cannot use/],
    [["--username", "-", "--cpus", "99999", "taken"], /^Error: invalid username/],
    [["--cpus", "99999", "taken"], /^Error: machine "taken" already exists/],
  ])("the first of many by podman's order: %j", async (argv, first) => {
    const { run, add } = commandLine();
    add("taken");
    expect(await run(["init", ...argv])).toMatchObject({ status: 125, stdout: "", stderr: expect.stringMatching(first) as string });
  });

  test("a script's machine that is there is told without looking at what it asks for", async () => {
    const { run, add, folder } = commandLine();
    writeFileSync(`${folder}/web.json`, '{ "cpus": 99999 }');
    const { spec } = add("web");
    add("web", { spec: { ...spec, script: `${folder}/web.json` } });
    expect((await run(["init", "./web.json"])).stderr).toMatch(/^Error: machine "web" already exists\n/);
  });
});

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MachineError } from "../../../core/errors.ts";
import { version } from "../../../core/version.ts";
import { verbs } from "../../../core/cli/verbs.ts";
import { commandLine } from "./command-line.ts";

describe("the words in front", () => {
  test("`machine` is skipped, and global flags stand before or after the verb", async () => {
    const { run } = commandLine();
    for (const argv of [["machine", "list", "--noheading"], ["--quiet", "list"], ["list", "--quiet"], ["--log-level=debug", "machine", "ls", "-n"]]) {
      expect(await run(argv)).toEqual({ status: 0, stdout: "", stderr: "" });
    }
  });

  test.each([
    [["lst"], "Error: unrecognized command `glowplug lst`\nhint: Did you mean list? See 'glowplug --help'.\n"],
    [["frobnicate"], "Error: unrecognized command `glowplug frobnicate`\nhint: See 'glowplug --help'.\n"],
    [["--frob", "list"], "Error: unknown flag: --frob\nhint: See 'glowplug --help'.\n"],
    [["list", "--fromat", "json"], "Error: unknown flag: --fromat\nhint: Did you mean --format? See 'glowplug list --help'.\n"],
    [["list", "extra"], "Error: glowplug list accepts no arguments, received 1\nhint: See 'glowplug list --help'.\n"],
    [["stop", "a", "b"], "Error: glowplug stop accepts at most 1 argument, received 2\nhint: See 'glowplug stop --help'.\n"],
    [["run"], "Error: glowplug run accepts at least 1 argument, received 0\nhint: See 'glowplug run --help'.\n"],
    [["--log-level", "loud", "list"], 'Error: invalid argument "loud" for "--log-level" flag: expected one of trace, debug, info, warn, warning, error, fatal, panic\n'],
  ])("%j is an error with status 125", async (argv, stderr) => {
    expect(await commandLine().run(argv)).toEqual({ status: 125, stdout: "", stderr });
  });

  test("`machine` alone shows help and fails, as podman's does, and an unknown verb of it is told under its name", async () => {
    const { run } = commandLine();
    const help = (await run(["--help"])).stdout;
    expect(await run(["machine"])).toEqual({ status: 125, stdout: help, stderr: "Error: missing command 'glowplug machine COMMAND'\nhint: See 'glowplug machine --help'.\n" });
    expect(await run(["machine", "--help"])).toEqual({ status: 0, stdout: help, stderr: "" });
    expect((await run(["machine", "strat"])).stderr).toBe("Error: unrecognized command `glowplug machine strat`\nhint: Did you mean start? See 'glowplug machine --help'.\n");
  });

  test("no verb at all is an error that lists them", async () => {
    const { status, stderr } = await commandLine().run([]);
    expect(status).toBe(125);
    expect(stderr).toBe(`Error: missing verb: glowplug VERB\n  The verbs are ${verbs.map(({ name }) => name).join(", ")}.\nhint: See 'glowplug --help'.\n`);
  });
});

describe("help", () => {
  test("of all verbs and of each, on stdout", async () => {
    const { run } = commandLine();
    const { status, stdout, stderr } = await run(["--help"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    for (const { name, summary } of verbs) {
      expect(stdout).toContain(summary);
      const of = await run([name, "--help"]);
      expect({ status: of.status, stderr: of.stderr }).toEqual({ status: 0, stderr: "" });
      expect(of.stdout.startsWith(`${summary}\n`)).toBe(true);
      if (name !== "help") expect(await run(["help", name])).toEqual(of);
    }
  });

  test("no line is wider than 120 characters, so that it fits a terminal", async () => {
    const { run } = commandLine();
    for (const argv of [["--help"], ...verbs.map(({ name }) => [name, "--help"])]) {
      const wide = (await run(argv)).stdout.split("\n").filter((line) => line.length > 120);
      expect(wide).toEqual([]);
    }
  });
});

describe("version", () => {
  test("in podman's shapes", async () => {
    const { run } = commandLine();
    expect((await run(["--version"])).stdout).toBe(`glowplug version ${version}\n`);
    expect((await run(["version", "--format", "{{.Client.Version}}"])).stdout).toBe(`${version}\n`);
    expect(JSON.parse((await run(["version", "--format", "json"])).stdout)).toMatchObject({ Client: { Version: version, Os: expect.any(String) as string } });
    expect((await run(["version"])).stdout).toMatch(/^Client: {8}glowplug\nVersion: {7}/);
  });
});

describe("errors", () => {
  test("with --json are one object on stdout, and still readable on stderr", async () => {
    const { status, stdout, stderr } = await commandLine().run(["list", "--json", "--nope"]);
    expect(status).toBe(125);
    expect(JSON.parse(stdout)).toEqual({ error: { code: "usage", message: "unknown flag: --nope", hint: "See 'glowplug list --help'." } });
    expect(stderr).toBe("Error: unknown flag: --nope\nhint: See 'glowplug list --help'.\n");
  });

  test("with --log-format json are one line on stderr", async () => {
    const { stderr } = await commandLine().run(["inspect", "--log-format", "json", "web"]);
    expect(JSON.parse(stderr)).toMatchObject({ level: "error", msg: "web: VM does not exist", code: "no-machine" });
  });

  test("after an interrupt the status is 130", async () => {
    const { run, add } = commandLine();
    add("web");
    const interrupted = AbortSignal.abort(new MachineError("interrupted", "interrupted"));
    expect(await run(["rm", "web"], { signal: interrupted })).toMatchObject({ status: 130, stderr: "Error: interrupted\n" });
  });
});

test("--trace writes a Chrome trace with a span for the verb", async () => {
  const { run, folder } = commandLine();
  expect((await run(["--trace", "t.json", "list"])).status).toBe(0);
  const trace = JSON.parse(readFileSync(join(folder, "t.json"), "utf8")) as { traceEvents: { name: string; ph: string; dur?: number }[] };
  expect(trace.traceEvents.filter(({ ph }) => ph === "X")).toMatchObject([{ name: "list", cat: "verb", dur: expect.any(Number) as number }]);
});

test.each([["exec", "web", "mysql", "-psecret"], ["ssh", "mysql -psecret"]])("--trace leaves a command of the guest out: %s %s", async (...argv) => {
  const { run, folder } = commandLine();
  expect((await run(["--trace", "t.json", ...argv])).status).toBe(125);
  const text = readFileSync(join(folder, "t.json"), "utf8");
  expect([text.includes(String(argv[0])), text.includes("secret")]).toEqual([true, false]);
});

describe("a machine's files", () => {
  test("ssh-config prints the config or its path", async () => {
    const { run, add, paths } = commandLine();
    add("web");
    writeFileSync(paths.machine("web").sshConfig, "Host web\n");
    expect((await run(["ssh-config", "web"])).stdout).toBe("Host web\n");
    expect((await run(["ssh-config", "--path", "web"])).stdout).toBe(`${paths.machine("web").sshConfig}\n`);
    expect((await run(["ssh-config", "nope"])).stderr).toMatch(/^Error: nope: VM does not exist\n/);
  });

  test("rm lists every file and asks", async () => {
    const { run, add, paths } = commandLine();
    const { folders } = add("web", { undo: [{ title: "podman connection web", command: { program: "/bin/true", argv: [], name: "true" } }] });
    writeFileSync(join(folders.data, "disk.qcow2"), "");
    mkdirSync(folders.runtime, { recursive: true });
    writeFileSync(join(folders.runtime, "plan.json"), "");
    const question = `The following files will be deleted:\n\n\n${paths.machine("web").record}\n${folders.data}/disk.qcow2\n${folders.runtime}/plan.json\npodman connection web\n\nAre you sure you want to continue? [y/N] `;
    expect(await run(["rm", "web"])).toEqual({
      status: 125, stdout: `${question}\n`, stderr: "Error: no answer: standard input has ended\nhint: Use --force to go on without the question.\n",
    });
    expect(await run(["rm", "web"], { input: "no\n" })).toEqual({ status: 0, stdout: question, stderr: "" });
    expect((await run(["list", "-q"])).stdout).toBe("web\n");
    expect(await run(["rm", "web"], { input: "yes\n" })).toEqual({ status: 0, stdout: question, stderr: "" });
    expect((await run(["list", "-q"])).stdout).toBe("");
    expect((await run(["rm", "-f", "web"])).stderr).toMatch(/^Error: web: VM does not exist\n/);
  });
});

describe("a script in the name's place", () => {
  test("means the machine that it made, and is not loaded for that", async () => {
    const { run, add, paths, folder } = commandLine();
    const script = join(folder, "broken.ts");
    writeFileSync(script, "throw new Error('never to be run');");
    add("web", { spec: { ...add("web").spec, script } });
    writeFileSync(paths.machine("web").sshConfig, "Host web\n");
    expect((await run(["ssh-config", "./broken.ts"])).stdout).toBe("Host web\n");
    expect((await run(["run", "./broken.ts", "ssh-config", "--path"])).stdout).toBe(`${paths.machine("web").sshConfig}\n`);
    expect(await run(["stop", "--force", "./broken.ts"])).toEqual({ status: 0, stdout: 'Machine "web" stopped successfully\n', stderr: "" });
    expect((await run(["ssh-config", "./other.ts"])).stderr).toMatch(/^Error: no machine, or more than one, was made by \.\/other\.ts\n/);
  });

  test("a machine whose script is gone can still be stopped", async () => {
    const { run, add } = commandLine();
    add("web", { spec: { ...add("web").spec, script: "/gone.ts" } });
    expect(await run(["stop", "web"])).toEqual({ status: 0, stdout: 'Machine "web" stopped successfully\n', stderr: "" });
    expect((await run(["stop", "--json", "web"])).stdout).toBe('{\n  "Name": "web",\n  "State": "stopped"\n}\n');
  });
});

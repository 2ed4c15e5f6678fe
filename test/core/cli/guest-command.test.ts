import { describe, expect, test } from "vitest";
import { guestWithLogin } from "../../fixtures/login.ts";
import { commandLine, playKeeper } from "./command-line.ts";

/** A running machine "web", and the default one beside it. */
async function running() {
  const line = commandLine();
  const { guest, connect } = await guestWithLogin({ user: undefined });
  for (const name of ["web", "default"]) {
    line.add(name);
    await playKeeper(line.paths, name, {}, (user = "core") => connect({ user }));
  }
  return { ...line, guest };
}

describe("ssh", () => {
  test("hands on the command's exit status and output", async () => {
    const { run } = await running();
    expect(await run(["ssh", "web", "exit 7"])).toEqual({ status: 7, stdout: "", stderr: "" });
    expect(await run(["ssh", "web", "false"])).toEqual({ status: 1, stdout: "", stderr: "" });
    expect(await run(["ssh", "web", "echo out; echo err >&2"])).toEqual({ status: 0, stdout: "out\n", stderr: "err\n" });
    expect((await run(["ssh", "web", "kill -TERM $$"])).status).toBe(143);
  });

  test("joins the words by spaces, and leaves their flags to the command", async () => {
    const { run, guest } = await running();
    expect((await run(["ssh", "web", "echo", "a  b", "--json", "-q"])).stdout).toBe("a b --json -q\n");
    expect((await run(["ssh", "web", "--", "echo", "-n", "x"])).stdout).toBe("x");
    expect(guest.commands).toEqual(["echo a  b --json -q", "echo -n x"]);
  });

  test("takes the first word for a command where no machine has that name", async () => {
    const { run, guest } = await running();
    expect((await run(["ssh", "echo", "web"])).stdout).toBe("web\n");
    expect(guest.commands).toEqual(["echo web"]);
  });

  test("without a command gives a shell, which reads its lines from here", async () => {
    const { run } = await running();
    expect(await run(["ssh", "web"], { input: "echo hi\nexit 3\n" })).toMatchObject({ status: 3, stdout: "hi\n", stderr: "" });
  });

  test("--username logs in as another", async () => {
    const { run } = await running();
    expect((await run(["ssh", "--username", "root", "web", "echo $USER"])).stdout).toBe("root\n");
    expect((await run(["ssh", "web", "echo $USER"])).stdout).toBe("core\n");
  });
});

describe("exec", () => {
  test("passes every word as it stands", async () => {
    const { run } = await running();
    const words = ["a  b", "$HOME", "it's", "", "*", "--flag=1", "\\"];
    expect((await run(["exec", "web", "printf", "<%s>", ...words])).stdout).toBe(words.map((word) => `<${word}>`).join(""));
  });

  test("hands its input on", async () => {
    const { run } = await running();
    expect((await run(["exec", "web", "tr", "a-z", "A-Z"], { input: "some text" })).stdout).toBe("SOME TEXT");
  });

  test("needs a command", async () => {
    const { run } = await running();
    expect(await run(["exec", "web"])).toEqual({ status: 125, stdout: "", stderr: "Error: glowplug exec needs a command\nhint: For a shell: glowplug ssh web\n" });
  });
});

describe("a machine that cannot be asked", () => {
  test("one that is stopped", async () => {
    const { run, add } = commandLine();
    add("web");
    expect(await run(["ssh", "web", "true"])).toEqual({ status: 125, stdout: "", stderr: 'Error: vm "web" is not running\nhint: Start it with `glowplug start web`.\n' });
  });

  test("one that is starting", async () => {
    const { run, add, paths } = commandLine();
    add("web");
    await playKeeper(paths, "web", { state: "starting" });
    expect((await run(["exec", "web", "true"])).stderr).toMatch(/^Error: vm "web" is not running: it is starting\n/);
  });

  test("one that does not exist, and neither does the default one", async () => {
    const { run } = commandLine();
    expect((await run(["ssh", "wbe"])).stderr).toMatch(/^Error: wbe: VM does not exist\nhint: There is no machine "default" either/);
    expect((await run(["ssh"])).stderr).toMatch(/^Error: default: VM does not exist\n/);
  });
});

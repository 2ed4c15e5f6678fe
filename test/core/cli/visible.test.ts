import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { createOutput, errorText } from "../../../core/cli/output.ts";
import { createPaint } from "../../../core/cli/paint.ts";
import { createReport } from "../../../core/cli/progress.ts";
import { visible, visibleLine } from "../../../core/cli/visible.ts";
import { addImage, openIncoming } from "../../../core/image-add.ts";
import { guestWithLogin } from "../../fixtures/login.ts";
import { commandLine, playKeeper } from "./command-line.ts";

/** Sets a title and the clipboard, clears, colours, moves, begins a line anew, and turns letters around; by 7-bit and by 8-bit sequences. */
const hostile = "\u001b]0;title\u0007\u001b]52;c;eA==\u001b\\\u001b[2J\u001b[31m\u001b[1;1H\u009b2J\u009d0;x\u009c\rover\b\u007f\u202etxt.exe\u2066\0";
// eslint-disable-next-line no-control-regex
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

class Screen extends Writable {
  readonly columns = 400;
  readonly isTTY: boolean;
  text = "";

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

describe("a foreign text", () => {
  test("is shown, and obeyed in nothing", () => {
    expect(visible(hostile)).not.toMatch(obeyed);
    expect(visible("\u001b[31mred\u009b0m\r\ntab\tand ünïcode ✓")).toBe("\\u001b[31mred\\u009b0m\ntab\tand ünïcode ✓");
    expect(visible(visible(hostile))).toBe(visible(hostile));
  });

  test("that is to stay in its line makes no other", () => {
    expect(visibleLine("web\nweb  running\tok")).toBe("web\\u000aweb  running\\u0009ok");
  });

  test("leaves JSON what it was", () => {
    const text = JSON.stringify({ hostile });
    expect(visible(text)).not.toMatch(obeyed);
    expect(JSON.parse(visible(text))).toEqual({ hostile });
  });
});

describe("what is printed", () => {
  test.each([true, false])("as an answer has no colours but ours, on a terminal: %s", async (isTTY) => {
    const screen = new Screen(isTTY);
    const output = createOutput(screen, { noColor: false });
    output.write(`${output.paint("error", "ours")} ${output.paint("error", hostile)} ${hostile}\n`);
    output.json({ hostile });
    await output.flush();
    const red = (text: string): string => createPaint(screen, false)("error", text);
    const [line = "", ...json] = screen.text.split("\n");
    expect(line).toBe(`${red("ours")} ${red(visible(hostile))} ${visible(hostile)}`);
    expect(JSON.parse(json.join("\n"))).toEqual({ hostile });
    expect(screen.text.replaceAll(/\u001b\[\d+m/g, "")).not.toMatch(obeyed); // eslint-disable-line no-control-regex
  });

  test("as an error shows every part of it", () => {
    const text = errorText({ code: "ssh", message: hostile, hint: hostile, plugin: `p${hostile}`, stage: `s${hostile}`, details: [`one\n${hostile}`] }, (_look, plain) => plain);
    expect(text).not.toMatch(obeyed);
    expect(text.split(visible(hostile))).toHaveLength(6);
  });

  test.each([[true, "text"], [false, "text"], [false, "json"]] as const)("as progress shows it too, on a terminal: %s, as %s", (isTTY, logFormat) => {
    const screen = new Screen(isTTY);
    let tick = (): void => {};
    const report = createReport(screen, { level: "debug", logFormat, noColor: true }, { now: () => 0, every: (_ms, call) => {
      tick = call;
      return () => {};
    } });
    const phase = report.phase(`title${hostile}`);
    phase.note(`note${hostile}\nnext`);
    tick();
    phase.done(`done${hostile}`);
    report.info(hostile);
    report.warn(hostile);
    report.debug(hostile);
    report.close();
    for (const word of ["title", "note", "done"]) expect(screen.text).toContain(word);
    // What moves the live lines is ours.
    expect(screen.text.replaceAll(/\r?\u001b\[(?:\d+A\u001b\[)?J/g, "")).not.toMatch(obeyed); // eslint-disable-line no-control-regex
    if (logFormat === "json") for (const line of screen.text.trimEnd().split("\n")) expect(Object.values(JSON.parse(line) as object).join("")).toContain("title");
  });
});

describe("verbs", () => {
  test("show what guests and publishers say, in tables, events, logs and errors, in whatever form", async () => {
    const line = commandLine();
    line.add("web");
    const files = line.paths.machine("web");
    writeFileSync(files.log("events"), `${JSON.stringify({ time: "2026-05-01T12:00:00Z", machine: "web", type: "note", about: "serial", text: `${hostile}\nforged` })}\n`);
    writeFileSync(files.log("serial"), `${hostile}\n`);
    await playKeeper(line.paths, "web", { problems: [`${hostile}\nforged  running`] });
    const incoming = await openIncoming(line.paths.store);
    const path = join(incoming.folder, "disk");
    writeFileSync(path, "x".repeat(4096));
    const id = createHash("sha256").update("x".repeat(4096)).digest("hex");
    await addImage(line.paths.store, { id, format: "raw", virtualSize: 2 ** 30, path }, { kind: "build", key: "k", title: `${hostile}\nforged`, release: hostile, verified: [] });
    incoming.remove();

    for (const argv of [
      ["image", "ls"], ["image", "ls", "--format", "{{.Title}} {{json .Title}} {{json .}}"], ["image", "ls", "--format", "yaml"], ["image", "ls", "--json"], ["image", "prune"],
      ["events", "--since", "2020-01-01", "--stream=false", "web"], ["events", "--since", "2020-01-01", "--stream=false", "--json", "web"], ["logs", "web"], ["logs", "web", "events"],
      ["list", "--format", "{{.Name}} {{.Reason}}"], ["inspect", "web"], ["inspect", `web${hostile}`], ["--log-format", "json", "inspect", `web${hostile}`], ["start", `x${hostile}`], ["image", "rm", hostile],
    ]) {
      const { stdout, stderr } = await line.run(argv);
      expect(stdout + stderr, argv.join(" ")).not.toBe("");
      expect(stdout + stderr, argv.join(" ")).not.toMatch(obeyed);
      expect(stdout.split("\n").filter((row) => row.startsWith("forged")), argv.join(" ")).toEqual([]);
    }
  });

  test("hand on what the guest's own program writes, byte for byte", async () => {
    const line = commandLine();
    line.add("web");
    const { connect } = await guestWithLogin({ user: undefined });
    await playKeeper(line.paths, "web", {}, (user = "core") => connect({ user }));
    expect(await line.run(["exec", "web", "printf", "\\033[31m\\r\\007"])).toEqual({ status: 0, stdout: "\u001b[31m\r\u0007", stderr: "" });
    expect((await line.run(["ssh", "web", "printf '\\033]0;x\\007' >&2"])).stderr).toBe("\u001b]0;x\u0007");
  });
});

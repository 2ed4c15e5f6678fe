import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { followLog } from "../../../core/cli/log-file.ts";
import { controlFilter, parseSince, selectLines, timeOfLine } from "../../../core/cli/log-lines.ts";
import { whichLog } from "../../../core/cli/logs.ts";
import { scratchFolder } from "../../fixtures/login.ts";
import { commandLine } from "./command-line.ts";

describe("which log", () => {
  const exists = (name: string): boolean => name === "web" || name === "vm";
  test.each([
    [[], "default", "serial"], [["web"], "web", "serial"], [["nope"], "nope", "serial"], [["keeper"], "default", "keeper"],
    [["vm"], "vm", "serial"], [["vm", "vm"], "vm", "vm"], [["web", "events"], "web", "events"],
  ])("%j", (words, name, kind) => {
    expect(whichLog(words, undefined, exists)).toEqual({ name, kind });
  });
  test("an unknown one is an error", () => {
    expect(() => whichLog(["web", "seriel"], undefined, exists)).toThrow('there is no log called "seriel"');
  });
});

test.each([
  ["2026-05-01T12:00:00.500Z hello", "2026-05-01T12:00:00.500Z"],
  ["[2026-05-01 12:00:00Z] hello", "2026-05-01T12:00:00.000Z"],
  ['{"time":"2026-05-01T12:00:00Z","type":"state"}', "2026-05-01T12:00:00.000Z"],
  ["[    0.000000] Linux version 6", undefined],
])("the time of %s", (line, expected) => expect(timeOfLine(line)?.toISOString()).toBe(expected));

test("--since takes a time, or how long ago", () => {
  const now = Date.parse("2026-05-01T12:00:00Z");
  expect(parseSince("10m", now).toISOString()).toBe("2026-05-01T11:50:00.000Z");
  expect(parseSince("2026-04-01", now).toISOString()).toBe("2026-04-01T00:00:00.000Z");
  expect(() => parseSince("yesterday", now)).toThrow('invalid argument "yesterday" for "--since" flag');
});

test("lines are chosen by time, then by count; one without a time goes with the one before", () => {
  const log = "2026-05-01T10:00:00Z a\n  more of a\n2026-05-01T11:00:00Z b\n  more of b\n2026-05-01T12:00:00Z c\n";
  expect(selectLines(log, { since: new Date("2026-05-01T11:00:00Z") })).toEqual(["2026-05-01T11:00:00Z b", "  more of b", "2026-05-01T12:00:00Z c"]);
  expect(selectLines(log, { tail: 1 })).toEqual(["2026-05-01T12:00:00Z c"]);
  expect(selectLines(log, { tail: 0 })).toEqual([]);
  expect(selectLines("no times\n", { since: new Date() })).toBeUndefined();
  expect(selectLines("", { since: new Date() })).toEqual([]);
});

test("a console's control characters are taken out, also when cut in two", () => {
  const clean = controlFilter();
  expect(clean("\u001b[2J\u001b[1;1H\u001b[0;32mOK\u001b[0m\r\nline\rover\u001b[")).toBe("OK\nline\nover");
  expect(clean("?25h next\u0007\r")).toBe(" next");
  expect(clean("\nend")).toBe("\nend");
});

test("following reads what is appended, across a rename, without losing a byte", async () => {
  const path = `${scratchFolder()}/keeper.log`;
  writeFileSync(path, "old\n");
  const stop = new AbortController();
  let seen = "";
  const wanted = "one\ntwo\nthree\nfour\n";
  const following = followLog(path, 4, (text) => {
    seen += text;
    if (seen === "one\n") {
      appendFileSync(path, "two\n");
      renameSync(path, `${path}.1`);
      writeFileSync(path, "three\n");
    } else if (seen.endsWith("three\n")) appendFileSync(path, "four\n");
    if (seen === wanted) stop.abort();
  }, stop.signal);
  appendFileSync(path, "one\n");
  await following;
  expect(seen).toBe(wanted);
});

test("a log that is not there yet is waited for", async () => {
  const path = `${scratchFolder()}/logs/keeper.log`;
  const stop = new AbortController();
  const following = followLog(path, 0, (text) => {
    expect(text).toBe("first\n");
    stop.abort();
  }, stop.signal);
  writeFileSync(path, "first\n");
  await following;
});

describe("the verb", () => {
  test("prints a log with its older half", async () => {
    const { run, add, paths } = commandLine();
    add("web");
    writeFileSync(`${paths.machine("web").log("serial")}.1`, "a\r\nb\r\n");
    writeFileSync(paths.machine("web").log("serial"), "c\r\nd");
    expect(await run(["logs", "web"])).toEqual({ status: 0, stdout: "a\nb\nc\nd\n", stderr: "" });
    expect((await run(["logs", "--tail", "2", "web"])).stdout).toBe("c\nd\n");
    expect((await run(["logs", "--since", "1h", "web"])).stderr).toBe("Error: the serial log keeps no times, so --since cannot choose from it\nhint: Use --tail.\n");
  });

  test("says when there is none", async () => {
    const { run, add, paths } = commandLine();
    add("web");
    expect((await run(["logs", "web", "forwarder"])).stderr).toBe(
      `Error: machine "web" has no forwarder log: ${paths.machine("web").log("forwarder")} is not there\nhint: It begins with the first start: glowplug start web\n`,
    );
    expect((await run(["logs", "nope"])).stderr).toMatch(/^Error: nope: VM does not exist\n/);
  });
});

import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { eventText } from "../../../core/cli/event-lines.ts";
import { eventReader, parseEvents } from "../../../core/keeper/event-reader.ts";
import { followEvents, pastEvents } from "../../../core/cli/event-stream.ts";
import type { MachineEvent } from "../../../core/keeper/protocol.ts";
import { commandLine, type CommandLine } from "./command-line.ts";

const event = (machine: string, time: string, fields: object = {}): MachineEvent => ({ time: `2026-05-01T12:00:${time}Z`, machine, type: "state", state: "running", ...fields });
const line = (one: MachineEvent): string => `${JSON.stringify(one)}\n`;
const write = ({ paths }: CommandLine, name: string, ...events: MachineEvent[]): void => appendFileSync(paths.machine(name).log("events"), events.map(line).join(""));

describe("an event for people", () => {
  test.each<[object, string]>([
    [{ type: "state", state: "running" }, "state running"],
    [{ type: "state", state: "stopping", reason: "the guest powered off" }, "state stopping: the guest powered off"],
    [{ type: "phase", phase: "ready", action: "begin" }, "phase ready begin"],
    [{ type: "child", action: "spawned", role: "vm", name: "qemu", pid: 7 }, "child qemu spawned (vm, process 7)"],
    [{ type: "child", action: "ended", role: "vm", name: "qemu", pid: 7, how: "exited with 0" }, "child qemu exited with 0 (vm, process 7)"],
    [{ type: "port", action: "open", port: "127.0.0.1:8080:80/tcp" }, "port open 127.0.0.1:8080:80/tcp"],
    [{ type: "note", about: "/run/x", text: "refused" }, "note /run/x: refused"],
    [{ type: "restart", attempt: 2, why: "it died" }, "restart attempt=2 why=it died"],
  ])("%j", (fields, text) => {
    expect(eventText({ time: "2026-05-01T12:00:00.123Z", machine: "web", ...fields } as MachineEvent).replace(/^[\d-]{10} [\d:.]{12} {2}/, "")).toBe(`web  ${text}`);
  });
});

test("events are read from pieces of text however they are cut, and what is none is passed by", () => {
  const events = [event("web", "01"), event("web", "02")];
  const text = `${events.map(line).join("")}{"time":1}\nnull\nhalf a li`;
  const found: MachineEvent[] = [];
  const read = eventReader((one) => found.push(one));
  for (const piece of text.match(/.{1,7}|\n/gs) ?? []) read(piece);
  expect(found).toEqual(events);
  expect(parseEvents(text)).toEqual(events);
});

test("past events of all machines are told in the order in which they happened, rotated files included", async () => {
  const line = commandLine();
  for (const name of ["db", "web"]) line.add(name);
  write(line, "web", event("web", "01"));
  renameSync(line.paths.machine("web").log("events"), `${line.paths.machine("web").log("events")}.1`);
  write(line, "web", event("web", "04"));
  write(line, "db", event("db", "02"), event("db", "03"));
  const told = async (since?: string): Promise<string[]> => {
    const found: string[] = [];
    await pastEvents(["db", "web"], since === undefined ? undefined : new Date(since), { paths: line.paths, take: ({ machine, time }) => found.push(`${machine} ${time.slice(17, 19)}`) });
    return found;
  };
  expect(await told()).toEqual(["web 01", "db 02", "db 03", "web 04"]);
  expect(await told("2026-05-01T12:00:03Z")).toEqual(["db 03", "web 04"]);
});

describe("following", () => {
  /** Follows until so many events have come. */
  function follow({ paths }: CommandLine, options: { name?: string; from?: ReadonlyMap<string, number> } = {}): { until(count: number): Promise<readonly string[]>; end(): Promise<void> } {
    const stop = new AbortController();
    const found: string[] = [];
    let wake = (): void => {};
    const done = followEvents(options.from ?? new Map(), { paths, name: options.name, take: ({ machine, time }) => {
      found.push(`${machine} ${time.slice(17, 19)}`);
      wake();
    } }, stop.signal);
    return {
      async until(count) {
        while (found.length < count) await new Promise<void>((resolve) => (wake = resolve));
        return found;
      },
      async end() {
        stop.abort();
        await done;
      },
    };
  }

  test("brings what is new, of machines that come while it is followed too", async () => {
    const line = commandLine();
    line.add("web");
    write(line, "web", event("web", "01"));
    const from = await pastEvents(["web"], undefined, { paths: line.paths, take: () => {} });
    const { until, end } = follow(line, { from });
    write(line, "web", event("web", "02"));
    expect(await until(1)).toEqual(["web 02"]);
    line.add("db");
    write(line, "db", event("db", "03"));
    expect(await until(2)).toEqual(["web 02", "db 03"]);
    await end();
  });

  test("brings one machine's alone, also when it is removed and made anew", async () => {
    const line = commandLine();
    line.add("web");
    line.add("db");
    const { until, end } = follow(line, { name: "web", from: new Map([["web", 0]]) });
    write(line, "db", event("db", "01"));
    write(line, "web", event("web", "02"));
    expect(await until(1)).toEqual(["web 02"]);
    rmSync(line.paths.machine("web").data, { recursive: true });
    mkdirSync(line.paths.machine("web").logs, { recursive: true });
    writeFileSync(line.paths.machine("web").log("events"), `${JSON.stringify(event("web", "03"))}\n`);
    expect(await until(2)).toEqual(["web 02", "web 03"]);
    await end();
  });
});

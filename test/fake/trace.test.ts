import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { FakeBehaviour } from "../fixtures/fakes.ts";
import { writeRawDisk } from "../support/disks.ts";
import { World } from "../support/world.ts";

let world: World;
afterEach(async () => world.close());

interface Span {
  readonly name: string;
  readonly cat: string;
  readonly ts: number;
  readonly dur: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A machine whose script has a hook in each verb. */
function machine(behaviour: FakeBehaviour = {}): void {
  world = new World(behaviour);
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  world.write("box.ts", `export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "gvproxy", podman: false, plugins: [{ name: "own", apply() {} }],
  beforeDownload() {}, afterStart() {}, beforeStop() {} };\n`);
}

/** Runs a verb with a trace and returns its spans and exit status. */
async function traced(verb: string, ...argv: string[]): Promise<{ readonly spans: readonly Span[]; readonly code: number | null; readonly stderr: string }> {
  const file = join(world.folder, "work", `${verb}.json`);
  const { code, stderr } = await world.glowplug(verb, "--trace", file, ...argv);
  const { traceEvents } = JSON.parse(readFileSync(file, "utf8")) as { readonly traceEvents: readonly (Span & { readonly ph: string })[] };
  return { code, stderr, spans: traceEvents.filter(({ ph }) => ph === "X") };
}

/** The same of one that must end well. */
async function well(verb: string, ...argv: string[]): Promise<readonly Span[]> {
  const { spans, code, stderr } = await traced(verb, ...argv);
  expect(code, stderr).toBe(0);
  return spans;
}

const namesOf = (spans: readonly Span[], category: string): string[] => spans.filter(({ cat }) => cat === category).map(({ name }) => name);
/** Processes that the keeper spawned. */
const keptBy = (spans: readonly Span[]): Span[] => spans.filter(({ cat, args }) => cat === "child" && args["role"] !== undefined);
const rolesOf = (spans: readonly Span[]): unknown[] => keptBy(spans).map(({ args }) => args["role"]);
const endOf = ({ ts, dur }: Span): number => ts + dur;

/** One verb that holds all else, nothing that is cut by another on its track, and no argument of a program. */
function expectSane(spans: readonly Span[], verb: string): void {
  const [whole] = spans;
  expect(whole).toMatchObject({ name: verb, cat: "verb" });
  if (!whole) return;
  // The keeper's clock shows whole milliseconds.
  const outside = spans.filter((span) => span.ts < whole.ts - 1000 || endOf(span) > endOf(whole) + 1000 || span.dur < 0);
  expect(outside).toEqual([]);
  const cut = spans.flatMap((one) => spans.filter((other) => one.tid === other.tid && one.ts < other.ts && other.ts < endOf(one) && endOf(one) < endOf(other)).map((other) => [one, other]));
  expect(cut).toEqual([]);
  for (const { name, args } of spans.filter(({ cat }) => cat === "child")) {
    expect(name).toMatch(/^[\w.-]+$/);
    expect(args).toEqual({ pid: expect.any(Number) as number, ...(args["role"] !== undefined && { role: expect.stringMatching(/^(forwarder|vm)$/) as string }) });
  }
}

describe("--trace", () => {
  it("holds the verb, its phases, hooks, calls of plugins and processes: of init, of start and of stop", async () => {
    machine();
    const init = await well("init", "./box.ts");
    expectSane(init, "init");
    expect(namesOf(init, "phase")).toEqual(["Copying base.raw"]);
    expect(namesOf(init, "hook")).toEqual(["box.ts: beforeDownload", "proxy: ignition"]);
    expect(namesOf(init, "plugin")).toEqual(expect.arrayContaining(["load image", "load launcher", "qemu.check", "gvproxy.check", "own.apply", "file.locate", "ignition.render"]));
    expect(namesOf(init, "child")).toContain("qemu-img");

    const start = await well("start", "box");
    expectSane(start, "start");
    expect(namesOf(start, "phase")).toEqual(["booting box", "helpers", "monitor", "life", "ready", "ssh", "probe"]);
    expect(namesOf(start, "hook")).toEqual(["proxy: afterStart", "box.ts: afterStart"]);
    expect(namesOf(start, "plugin")).toEqual(expect.arrayContaining(["qemu.accelerators", "gvproxy.plan", "qemu.plan"]));
    expect(rolesOf(start)).toEqual(["forwarder", "vm"]);
    expect(keptBy(start).at(-1)?.name).toMatch(/^qemu-system-/);
    expect(namesOf(start, "child")).toContain("node");

    const stop = await well("stop", "box");
    expectSane(stop, "stop");
    expect(namesOf(stop, "phase")).toEqual(["stopping box"]);
    expect(namesOf(stop, "hook")).toEqual(["box.ts: beforeStop"]);
    expect(namesOf(stop, "plugin")).toContain("own.apply");
    // The processes that start has spawned end now.
    const ids = (spans: readonly Span[]): unknown[] => keptBy(spans).map(({ args }) => args["pid"]).sort();
    expect(ids(stop)).toEqual(ids(start));
  });

  it("of a start that fails shows how far it came", async () => {
    machine({ qemu: { exitAtStart: "could not load PC BIOS" } });
    await world.ok("init", "./box.ts");
    const { code, spans } = await traced("start", "box");
    expect(code).toBe(125);
    expectSane(spans, "start");
    expect(namesOf(spans, "phase")).toEqual(["booting box", "helpers", "monitor"]);
    expect(rolesOf(spans)).toEqual(["forwarder", "vm"]);
  });
});

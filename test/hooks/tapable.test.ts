import { AsyncSeriesHook } from "tapable";
import { expect, test } from "vitest";
import { Command } from "../../core/command.ts";
import { MachineError } from "../../core/errors.ts";
import { GuestDraft } from "../../core/guest.ts";
import type { FetchImage } from "../../core/located-image.ts";
import { createHooks, type BeforeBootEvent, type HookEvents, type HookName, type Hooks, type IgnitionEvent } from "../../hooks/index.ts";

type Tapped = Parameters<Hooks["add"]>[0];

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function eventOf<N extends HookName>(fields: object = {}): HookEvents[N] & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, machine: {}, host: {}, signal: new AbortController().signal, log: (line: string) => lines.push(line), ...fields } as unknown as HookEvents[N] & { readonly lines: string[] };
}
async function failureOf(work: Promise<unknown>): Promise<MachineError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(MachineError);
  return error as MachineError;
}

test("tapable itself does not await an async function that is put on with plain tap", async () => {
  const hook = new AsyncSeriesHook<[]>([]);
  let ended = false;
  hook.tap("plain", (async () => {
    await tick();
    ended = true;
  }) as () => void);
  await hook.promise();
  expect(ended).toBe(false);
});

test("tapable itself ignores an unknown name in before, and puts the tap at the front", async () => {
  const hook = new AsyncSeriesHook<[]>([]);
  const order: string[] = [];
  hook.tap("first", () => void order.push("first"));
  hook.tap({ name: "second", before: "nobody" }, () => void order.push("second"));
  await hook.promise();
  expect(order).toEqual(["second", "first"]);
});

test("hook methods are awaited, in the order in which plugins were added, with their own this", async () => {
  const hooks = createHooks();
  const order: string[] = [];
  const slow: Tapped & { readonly word: string } = {
    name: "slow", word: "slow",
    async ignition(this: { readonly word: string }) {
      await tick();
      await tick();
      order.push(this.word);
    },
  };
  hooks.add(slow);
  hooks.add({ name: "quick", ignition: () => void order.push("quick") });
  await hooks.fire("ignition", eventOf<"ignition">());
  expect(order).toEqual(["slow", "quick"]);
});

test("each of tapable's three ways to put a function on is awaited", async () => {
  const hooks = createHooks();
  const order: string[] = [];
  hooks.add({
    name: "three",
    apply({ afterStart }) {
      afterStart.tap("three", async () => {
        await tick();
        order.push("tap");
      });
      afterStart.tapAsync("three", (_, done) => setImmediate(() => {
        order.push("tapAsync");
        done();
      }));
      afterStart.tapPromise("three", async () => {
        await tick();
        order.push("tapPromise");
      });
    },
  });
  await hooks.fire("afterStart", eventOf<"afterStart">());
  expect(order).toEqual(["tap", "tapAsync", "tapPromise"]);
});

test("stages come before the order of plugins, and before may name a plugin that comes later", async () => {
  const hooks = createHooks();
  const order: string[] = [];
  const note = (word: string) => () => void order.push(word);
  hooks.add({ name: "a", ignition: note("a") });
  hooks.add({ name: "b", apply: ({ ignition }) => ignition.tap({ before: "d" }, note("b")) });
  hooks.add({ name: "c", apply: ({ ignition }) => ignition.tap({ stage: -1 }, note("c")) });
  hooks.add({ name: "d", ignition: note("d") });
  hooks.add({ name: "e", apply: ({ ignition }) => ignition.tap({ name: "e:early", before: ["b", "c"] }, note("e")) });
  await hooks.fire("ignition", eventOf<"ignition">());
  expect(order).toEqual(["e", "c", "a", "b", "d"]);
});

test("before may name a plugin that has nothing to say in this hook", async () => {
  const hooks = createHooks();
  const order: string[] = [];
  hooks.add({ name: "quiet" });
  hooks.add({ name: "a", ignition: () => void order.push("a") });
  hooks.add({ name: "b", apply: ({ ignition }) => ignition.tap({ before: "quiet" }, () => void order.push("b")) });
  await hooks.fire("ignition", eventOf<"ignition">());
  expect(order).toEqual(["a", "b"]);
});

test("a name in before that nobody has is an error, whichever hook fires first", async () => {
  const hooks = createHooks();
  hooks.add({ name: "podman" });
  hooks.add({ name: "late", apply: ({ afterStart }) => afterStart.tap({ before: "podmann" }, () => undefined) });
  const error = await failureOf(hooks.fire("beforeDownload", eventOf<"beforeDownload">()));
  expect(error).toMatchObject({
    code: "bad-plugin", plugin: "late", stage: "afterStart", hint: "The plugins are podman, late.",
    message: 'plugin late wants to come before "podmann" in hook afterStart, and no plugin has that name; did you mean "podman"?',
  });
});

test("a failure names the plugin and the hook, keeps hint and details of its cause, and ends the hook", async () => {
  const hooks = createHooks();
  const cause = new MachineError("conflict", "both claim /etc/motd", { hint: "Remove one.", details: ["one", "other"] });
  const order: string[] = [];
  hooks.add({ name: "bad", ignition: () => Promise.reject(cause) });
  hooks.add({ name: "next", ignition: () => void order.push("next") });
  const error = await failureOf(hooks.fire("ignition", eventOf<"ignition">()));
  expect(error).toMatchObject({
    code: "hook-failed", message: "plugin bad failed in hook ignition: both claim /etc/motd", plugin: "bad", stage: "ignition", hint: "Remove one.", details: ["one", "other"], cause,
  });
  expect(order).toEqual([]);
});

const failing: readonly (readonly [string, Tapped])[] = [
  ["a method that throws at once", { name: "x", ignition: () => { throw new Error("no"); } }],
  ["a callback that is handed an error", { name: "x", apply: ({ ignition }) => ignition.tapAsync("x", (_, done) => done(new Error("no"))) }],
  ["a callback tap that throws", { name: "x", apply: ({ ignition }) => ignition.tapAsync("x", () => { throw new Error("no"); }) }],
  ["a callback tap that is async and rejects", { name: "x", apply: ({ ignition }) => ignition.tapAsync("x", (async () => Promise.reject(new Error("no"))) as () => void) }],
  ["a promise tap that returns none and throws", { name: "x", apply: ({ ignition }) => ignition.tapPromise("x", (() => { throw new Error("no"); }) as () => Promise<void>) }],
];
test.each(failing)("the plugin is blamed for %s", async (_, plugin) => {
  const hooks = createHooks();
  hooks.add(plugin);
  const error = await failureOf(hooks.fire("ignition", eventOf<"ignition">()));
  expect(error.message).toBe("plugin x failed in hook ignition: no");
});

test("a promise tap that returns no promise is taken as done", async () => {
  const hooks = createHooks();
  hooks.add({ name: "x", apply: ({ ignition }) => ignition.tapPromise("x", (() => undefined) as unknown as () => Promise<void>) });
  await hooks.fire("ignition", eventOf<"ignition">());
});

test("a hook that never returns is ended at the deadline, and its signal aborts", async () => {
  const hooks = createHooks({ deadlineMs: 20 });
  let signal: AbortSignal | undefined;
  hooks.add({
    name: "stuck",
    beforeBoot: (event) => {
      signal = event.signal;
      return new Promise<void>(() => undefined);
    },
  });
  const error = await failureOf(hooks.fire("beforeBoot", eventOf<"beforeBoot">()));
  expect(error).toMatchObject({ code: "deadline", message: "plugin stuck did not return from hook beforeBoot within 0.02 s", plugin: "stuck", stage: "beforeBoot" });
  expect(signal?.aborted).toBe(true);
});

test("a hook that heeds its signal is still told to have missed the deadline", async () => {
  const hooks = createHooks({ deadlineMs: 20 });
  hooks.add({ name: "heeds", afterStart: ({ signal }) => new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))) });
  expect((await failureOf(hooks.fire("afterStart", eventOf<"afterStart">()))).code).toBe("deadline");
});

test.each(["the event's signal", "the signal given to fire"])("%s ends a waiting hook", async (which) => {
  const hooks = createHooks();
  const interrupt = new AbortController();
  hooks.add({
    name: "waits",
    afterStart: ({ signal }) => new Promise<void>((_, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      setImmediate(() => interrupt.abort());
    }),
  });
  const own = which === "the event's signal";
  const fired = hooks.fire("afterStart", eventOf<"afterStart">(own ? { signal: interrupt.signal } : {}), own ? undefined : interrupt.signal);
  expect(await failureOf(fired)).toMatchObject({ code: "interrupted", plugin: "waits", stage: "afterStart", message: "interrupted while plugin waits was in hook afterStart" });
});

test("no plugin is called after an interrupt", async () => {
  const hooks = createHooks();
  const called: string[] = [];
  hooks.add({ name: "never", ignition: () => void called.push("never") });
  expect((await failureOf(hooks.fire("ignition", eventOf<"ignition">({ signal: AbortSignal.abort() })))).code).toBe("interrupted");
  expect(called).toEqual([]);
});

test("what a plugin puts into the event is there for the next and for the caller", async () => {
  const hooks = createHooks();
  const seen: unknown[] = [];
  const event = eventOf<"beforeDownload">({ image: { kind: "local", title: "old", path: "/old" } });
  hooks.add({ name: "swaps", beforeDownload: (its) => { its.image = { kind: "local", title: "new", path: "/new" }; } });
  hooks.add({ name: "edits", beforeDownload: (its) => { seen.push(its.image.title); if (its.image.kind === "local") its.image.path = "/newer"; } });
  await hooks.fire("beforeDownload", event);
  expect(seen).toEqual(["new"]);
  expect(event.image).toMatchObject({ kind: "local", title: "new", path: "/newer" });
});

test("log speaks under the plugin's name, or goes to the option", async () => {
  const plugin: Tapped = { name: "talks", ignition: ({ log }) => log("hello") };
  const prefixed = createHooks();
  const event = eventOf<"ignition">();
  prefixed.add(plugin);
  await prefixed.fire("ignition", event);
  expect(event.lines).toEqual(["talks: hello"]);

  const taken: unknown[] = [];
  const handed = createHooks({ log: (...what) => taken.push(what) });
  handed.add(plugin);
  await handed.fire("ignition", eventOf<"ignition">());
  expect(taken).toEqual([["talks", "hello"]]);
});

test("an image notes who is behind each of its fields, whether it is edited or replaced", async () => {
  const hooks = createHooks();
  const digest = { algorithm: "sha256", hex: "00" } as const;
  const image: FetchImage = { kind: "fetch", title: "Debian", url: "http://publisher.test/disk", digest, format: "qcow2", compression: "none", by: { title: "debian", url: "debian", digest: "debian" } };
  const event = eventOf<"beforeDownload">({ image });
  hooks.add({ name: "looks", beforeDownload() {} });
  hooks.add({ name: "mirror", beforeDownload: (its) => { if (its.image.kind === "fetch") its.image.url = "http://mirror.test/disk"; } });
  hooks.add({ name: "replaces", beforeDownload: (its) => { if (its.image.kind === "fetch") its.image = { kind: "fetch", title: "mine", url: its.image.url, digest, format: "qcow2", compression: "none" }; } });
  await hooks.fire("beforeDownload", event);
  expect(event.image.by).toEqual({ title: "replaces", url: "mirror", digest: "debian" });
});

test("guest draft and commands note who edits them, and nobody afterwards", async () => {
  const hooks = createHooks();
  const guest = new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });
  hooks.add({ name: "one", ignition: (event) => void event.guest.file({ path: "/one", content: "" }) });
  hooks.add({ name: "two", ignition: (event) => void event.guest.file({ path: "/two", content: "" }) });
  await hooks.fire("ignition", eventOf<"ignition">({ guest }) satisfies IgnitionEvent);
  expect(guest.files.map(({ path, by }) => [path, by])).toEqual([["/one", "one"], ["/two", "two"]]);
  expect(guest.author).toBeUndefined();

  const [vm, helper, net] = ["vm", "helper", "net"].map((name) => new Command(`/bin/${name}`)) as [Command, Command, Command];
  vm.author = "launcher";
  const boots = createHooks();
  boots.add({ name: "adds", beforeBoot: (event) => [event.boot.vm, event.boot.helpers[0]?.command, event.net.command].forEach((command) => command?.add("-x")) });
  await boots.fire("beforeBoot", eventOf<"beforeBoot">({ boot: { vm, helpers: [{ command: helper, listens: [] }] }, net: { command: net } }) satisfies BeforeBootEvent);
  for (const command of [vm, helper, net]) expect(command.entries).toEqual([{ flag: "-x", by: "adds" }]);
  expect([vm.author, helper.author]).toEqual(["launcher", undefined]);
});

test("onTap brackets each tap, also one that fails", async () => {
  const notes: string[] = [];
  const hooks = createHooks({ onTap: (plugin, hook) => { notes.push(`${plugin} ${hook} begins`); return () => notes.push(`${plugin} ended`); } });
  hooks.add({ name: "well", ignition: () => void notes.push("at work") });
  hooks.add({ name: "ill", ignition: () => Promise.reject(new Error("no")) });
  await failureOf(hooks.fire("ignition", eventOf<"ignition">()));
  expect(notes).toEqual(["well ignition begins", "at work", "well ended", "ill ignition begins", "ill ended"]);
});

test("apply is blamed for what it throws, and for being async", () => {
  const hooks = createHooks();
  expect(() => hooks.add({ name: "x", apply: () => { throw new Error("no"); } })).toThrow("plugin x failed in apply: no");
  expect(() => hooks.add({ name: "y", apply: (async () => undefined) as () => void })).toThrow("plugin y failed in apply: it returns a promise; tap at once, and do the waiting in the hooks");
});

test("a tap without a name outside a plugin, a tap that is no function, and a tap after the first fire are refused", async () => {
  const hooks = createHooks();
  expect(() => hooks.taps.ignition.tap({}, () => undefined)).toThrow("a tap of ignition has no name");
  expect(() => hooks.taps.ignition.tap("x", null as never)).toThrow("plugin x: ignition: expected a function, found null");
  await hooks.fire("ignition", eventOf<"ignition">());
  expect(() => hooks.taps.ignition.tap("x", () => undefined)).toThrow("plugin x taps ignition after hooks have begun to fire");
});

test("a hook without taps fires", async () => {
  await createHooks().fire("beforeStop", eventOf<"beforeStop">());
});

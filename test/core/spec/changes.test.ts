import { describe, expect, test } from "vitest";
import { changeLine, changeText, keepFirstBoot, specChanges } from "../../../core/spec/changes.ts";
import type { SavedSpec } from "../../../core/spec-types.ts";
import { makeTestFolder } from "../../support/folders.ts";
import { sampleRecord } from "../../support/record.ts";

const folder = makeTestFolder();
const plain = sampleRecord(folder.paths, "web").spec;
folder.remove();
/** Every value comes from a script, so that every change is somebody's. */
const spec: SavedSpec = { ...plain, sources: Object.fromEntries(Object.keys(plain).map((field) => [field, "config" as const])) };

const port = { host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" } as const;
const volume = { source: "/srv", target: "/srv", readOnly: false };

test("the same spec has no changes", () => {
  expect(specChanges(spec, structuredClone(spec))).toEqual([]);
});

describe("each field's change has its kind and its words", () => {
  const table: readonly [before: Partial<SavedSpec>, now: Partial<SavedSpec>, kind: string, text: string][] = [
    [{ cpus: 2 }, { cpus: 4 }, "next-start", "cpus: 2 → 4"],
    [{ memory: 2 ** 31 }, { memory: 2 ** 32 }, "next-start", "memory: 2GiB → 4GiB"],
    [{ disk: 10 * 2 ** 30 }, { disk: 20 * 2 ** 30 }, "next-start", "disk: 10GiB → 20GiB"],
    [{ disk: 20 * 2 ** 30 }, { disk: 10 * 2 ** 30 }, "first-boot-only", "disk: 20GiB → 10GiB"],
    [{ image: "a" }, { image: "b" }, "first-boot-only", "image: a → b"],
    [{ provisioner: "a" }, { provisioner: "b" }, "first-boot-only", "provisioner: a → b"],
    [{ launcher: "a" }, { launcher: "b" }, "next-start", "launcher: a → b"],
    [{ forwarder: "a" }, { forwarder: "b" }, "next-start", "forwarder: a → b"],
    [{ ports: [] }, { ports: [port] }, "live", "ports: +127.0.0.1:8080:80/tcp"],
    [{ ports: [port] }, { ports: [{ ...port, hostPort: 8081 }] }, "live", "ports: +127.0.0.1:8081:80/tcp, -127.0.0.1:8080:80/tcp"],
    [{ sockets: [{ host: "/a", guest: "/b" }] }, { sockets: [{ host: "/a", guest: "/c" }] }, "next-start", "sockets: /a changed"],
    [{ volumes: [volume] }, { volumes: [{ ...volume, readOnly: true }] }, "next-start", "volumes: +/srv:/srv:ro, -/srv:/srv"],
    [{ volumes: [volume, { ...volume, target: "/b" }] }, { volumes: [{ ...volume, target: "/b" }, volume] }, "next-start", "volumes: another order"],
    [{ guestPorts: "any" }, { guestPorts: "loopback" }, "next-start", "guestPorts: any → loopback"],
    [{ restart: "never" }, { restart: "always" }, "next-start", "restart: never → always"],
    [{ plugins: ["image", "launcher", "podman"] }, { plugins: ["image", "launcher", "podman", "mine"] }, "next-start", "plugins: +mine"],
    [{ rootful: false }, { rootful: true }, "next-start", "rootful: false → true"],
    [{ files: [] }, { files: [{ path: "/etc/motd", content: "hi" }] }, "first-boot-only", "files: +/etc/motd"],
    [{ files: [{ path: "/etc/motd", content: "hi" }] }, { files: [{ path: "/etc/motd", content: "ho" }] }, "first-boot-only", "files: /etc/motd changed"],
    [{ units: [] }, { units: [{ name: "web.service", content: "[Service]\n" }] }, "first-boot-only", "units: +web.service"],
    [{ packages: ["curl"] }, { packages: ["nginx"] }, "first-boot-only", "packages: +nginx, -curl"],
    [{ run: [] }, { run: ["echo hi", `echo ${"x".repeat(60)}`] }, "first-boot-only", `run: +"echo hi", +"echo ${"x".repeat(34)}…"`],
    [{ user: "core" }, { user: "me" }, "first-boot-only", "user: core → me"],
    [{ timezone: "UTC" }, { timezone: "Europe/Rome" }, "first-boot-only", "timezone: UTC → Europe/Rome"],
    [{ swap: 0 }, { swap: 2 ** 30 }, "first-boot-only", "swap: 0B → 1GiB"],
    [{ usb: [] }, { usb: ["bus=1,devnum=2"] }, "next-start", "usb: +bus=1,devnum=2"],
    [{}, { playbook: "/site.yml" }, "first-boot-only", "playbook: none → /site.yml"],
    [{ ignitionPath: "/a.ign" }, { ignitionPath: "/b.ign" }, "first-boot-only", "ignitionPath: /a.ign → /b.ign"],
    [{ importNativeCa: false }, { importNativeCa: true }, "next-start", "importNativeCa: false → true"],
    [{ proxy: true }, { proxy: false }, "next-start", "proxy: true → false"],
    [{ podman: false }, { podman: true }, "first-boot-only", "podman: false → true"],
    [{ podman: true }, { podman: false }, "next-start", "podman: true → false"],
  ];
  test.each(table)("%j to %j is %s: %s", (before, now, kind, text) => {
    const changes = specChanges({ ...spec, ...before }, { ...spec, ...now });
    expect(changes.map((change) => ({ kind: change.kind, text: changeText(change) }))).toEqual([{ kind, text }]);
  });

  test("and none is left out of the table", () => {
    const fields = new Set(table.flatMap(([, now]) => Object.keys(now)));
    expect(Object.keys(spec).filter((field) => !fields.has(field))).toEqual(["name", "sources"]);
  });
});

describe("slots among the plugins", () => {
  test("are told under their own fields alone", () => {
    const now = { ...spec, launcher: "other", plugins: ["image", "other"] };
    expect(specChanges({ ...spec, plugins: ["image", "launcher"] }, now).map(({ field }) => field)).toEqual(["launcher"]);
  });
});

describe("a first-boot-only value that nobody wrote down", () => {
  const before = { ...spec, sources: {} as SavedSpec["sources"] };
  test("is no change to be told, where it is a default on both sides", () => {
    expect(specChanges({ ...before, sources: { timezone: "default" } }, { ...before, timezone: "Europe/Rome", sources: { timezone: "default" } })).toEqual([]);
  });
  test("is one where it was written down before, or is now", () => {
    for (const [was, is] of [["config", "default"], ["default", "config"]] as const) {
      expect(specChanges({ ...before, sources: { timezone: was } }, { ...before, timezone: "Europe/Rome", sources: { timezone: is } })).toHaveLength(1);
    }
  });
});

describe("what a change costs", () => {
  const changes = specChanges(spec, { ...spec, memory: 2 ** 32, ports: [port], packages: ["nginx"], plugins: ["mine"] });
  const lines = (running: boolean, script?: string): string[] => changes.map((change) => changeLine(change, { name: "web", script, running })).sort();

  test("is told for a machine that is about to start", () => {
    expect(lines(false, "/srv/web.ts")).toEqual([
      "memory: 2GiB → 4GiB, takes effect now",
      "packages: +nginx, which only a new machine gets: glowplug rm web, then glowplug init /srv/web.ts",
      "plugins: +mine, takes effect now, but for what first boot does",
      "ports: +127.0.0.1:8080:80/tcp, takes effect now",
    ]);
  });
  test("is told for one that runs", () => {
    expect(lines(true)).toEqual([
      "memory: 2GiB → 4GiB, takes effect at the next start: glowplug restart web",
      "packages: +nginx, which only a new machine gets: glowplug rm web, then glowplug init web",
      "plugins: +mine, takes effect at the next start: glowplug restart web",
      "ports: +127.0.0.1:8080:80/tcp, takes effect now",
    ]);
  });
});

test("what a flag says of a running machine is not promised to a restart, which knows no flags", () => {
  const [change] = specChanges(spec, { ...spec, cpus: 4, sources: { ...spec.sources, cpus: "flag" } });
  expect(change && changeLine(change, { name: "web", running: true })).toBe("cpus: 2 → 4, takes effect in a stopped machine: glowplug stop web, then the same again");
  expect(change && changeLine(change, { name: "web", running: false })).toBe("cpus: 2 → 4, takes effect now");
});

test("the record keeps first-boot-only values as they were at init, with where they came from, and takes the others", () => {
  const now: SavedSpec = { ...spec, memory: 2 ** 32, packages: ["nginx"], user: "me", sources: { ...spec.sources, memory: "set", packages: "flag", user: "flag" } };
  expect(keepFirstBoot(spec, now)).toEqual({ ...spec, memory: 2 ** 32, sources: { ...spec.sources, memory: "set" } });
  expect(specChanges(keepFirstBoot(spec, now), now).map(({ field }) => field)).toEqual(["packages", "user"]);
});

import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { MachineRecord } from "../../core/record.ts";
import { sampleRecord } from "../support/record.ts";
import { commandLine } from "./cli/command-line.ts";

/** A record with something in every field. */
function fullRecord(paths: Parameters<typeof sampleRecord>[0], name: string): MachineRecord {
  const record = sampleRecord(paths, name);
  const port = { host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" as const };
  return {
    ...record,
    lastUp: "2025-02-03T04:05:06.000Z", overrides: { memory: "4GiB" },
    spec: {
      ...record.spec, ports: [port], sockets: [{ host: "/run/a.sock", guest: "/run/b.sock" }], volumes: [{ source: "/a", target: "/b", readOnly: false }],
      files: [{ path: "/etc/a", content: "a" }], units: [{ name: "a.service" }], packages: ["a"], run: ["true"], usb: ["bus=1,devnum=2"], plugins: ["a"], sources: { cpus: "config" },
    },
    image: { ...record.image, release: "1", verified: [{ what: "download", digest: { algorithm: "sha256", hex: "00" }, by: "key" }] },
    undo: [{ title: "a context", command: { program: "/bin/true", argv: ["a"], name: "true" } }],
    last: { accelerator: "tcg", accelerators: [{ name: "tcg", usable: true, reason: "a" }], notes: ["a"], ports: [port] },
  };
}

/** Every place in a value, the value itself left out: ["spec", "ports", 0, "host"]. */
function placesIn(value: unknown, here: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = [...here, Array.isArray(value) ? Number(key) : key];
    return [place, ...placesIn(inner, place)];
  });
}

function withAt(value: unknown, [key, ...rest]: readonly (string | number)[], replacement: unknown): unknown {
  if (key === undefined) return replacement;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string | number, unknown>;
  copy[key] = withAt(copy[key], rest, replacement);
  return copy;
}

describe("a record with something wrong in one place", () => {
  const wrong = [null, 5, "x", [null], undefined];

  test("breaks no look at this machine or another, wherever the place is", async () => {
    const line = commandLine();
    const record = fullRecord(line.paths, "web");
    line.add("other");
    const places = placesIn(record);
    expect(places.length).toBeGreaterThan(100);
    line.add("web");
    const broken: string[] = [];
    for (const place of places) {
      for (const value of wrong) {
        writeFileSync(line.paths.machine("web").record, JSON.stringify(withAt(record, place, value)));
        for (const argv of [["list"], ["inspect", "web"]]) {
          const { status, stdout, stderr } = await line.run(argv);
          const isFine = argv[0] === "list" ? status === 0 && stdout.includes("web") && stdout.includes("other") : status === 0 || /the record of machine "web" is damaged|made by a newer glowplug/.test(stderr);
          if (!isFine) broken.push(`${argv.join(" ")} with ${place.join(".")} = ${JSON.stringify(value)}: ${status} ${stderr}`);
        }
      }
    }
    expect(broken).toEqual([]);
  }, 120_000);

  test("where it only informs is read without that", async () => {
    const line = commandLine();
    const record = line.add("web");
    for (const changes of [{ last: 5 }, { last: { accelerator: "tcg", accelerators: [null] } }, { image: { ...record.image, verified: [5] } }, { spec: { ...record.spec, sources: "x" } }]) {
      writeFileSync(line.paths.machine("web").record, JSON.stringify({ ...record, ...changes }));
      expect(await line.run(["inspect", "web"])).toMatchObject({ status: 0, stderr: "" });
    }
  });
});

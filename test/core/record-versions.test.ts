import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseRecord } from "../../core/record-text.ts";
import { migrate, recordVersions, type RecordVersions } from "../../core/record-versions.ts";

const folder = join(import.meta.dirname, "../fixtures/records");
const kept = readdirSync(folder).filter((name) => name.endsWith(".json"));

describe("a record of every version that ever was", () => {
  test("is kept here", () => {
    expect(kept.map((name) => Number(name.replace(".json", ""))).sort((a, b) => a - b)).toEqual(Array.from({ length: recordVersions.newest }, (_, index) => index + 1));
  });

  test.each(kept)("is read: %s", (name) => {
    const source = readFileSync(join(folder, name), "utf8");
    const record = parseRecord(source, "web", name);
    expect(record).toMatchObject({
      version: recordVersions.newest, name: "web", lastUp: "2025-02-03T04:05:06.000Z", overrides: { memory: "4GiB" },
      spec: { cpus: 2, ports: [{ hostPort: 8080 }], script: "/home/user/web.ts", swap: 0, usb: [], importNativeCa: false, proxy: true },
      ssh: { port: 40022, user: "core" }, undo: [{ title: "podman connection web" }], last: { accelerator: "tcg" },
    });
  });
});

describe("records of older versions", () => {
  const versions: RecordVersions = {
    newest: 3,
    steps: { 1: ({ login, ...rest }) => ({ ...rest, user: login }), 2: (old) => ({ ...old, memory: Number(old["megabytes"]) * 2 ** 20 }) },
  };

  test("are brought to the newest, one step after the other", () => {
    expect(migrate({ version: 1, login: "core", megabytes: 2 }, versions)).toEqual({ record: { version: 3, user: "core", megabytes: 2, memory: 2 ** 21 } });
    expect(migrate({ version: 2, user: "core", megabytes: 2 }, versions)).toEqual({ record: { version: 3, user: "core", megabytes: 2, memory: 2 ** 21 } });
  });

  test("are left as they are where they are the newest", () => {
    expect(migrate({ version: 3, memory: 1 }, versions)).toEqual({ record: { version: 3, memory: 1 } });
  });

  test.each([[0, "version is 0, expected 3"], ["1", 'version is "1", expected 3'], [undefined, "version is missing, expected 3"], [null, "version is null, expected 3"]])("of version %j lead nowhere", (version, problem) => {
    expect(migrate({ version }, versions)).toEqual({ problem });
  });

  test("have a step each, up to the newest", () => {
    expect(Object.keys(recordVersions.steps).map(Number)).toEqual(Array.from({ length: recordVersions.newest - 1 }, (_, index) => index + 1));
  });
});

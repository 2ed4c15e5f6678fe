import { execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hostsLine } from "../../core/guest-hosts.ts";
import { scratchFolder } from "../fixtures/login.ts";

/** /etc/hosts of a guest, brought up to date one time after another. */
function hosts(before: string, ...turns: readonly (readonly [tag: string, names: Readonly<Record<string, string>>])[]): string {
  const file = join(scratchFolder(), "hosts");
  writeFileSync(file, before);
  for (const [tag, names] of turns) execFileSync("/bin/sh", ["-euc", hostsLine(tag, names).replaceAll("/etc/hosts", file)]);
  return readFileSync(file, "utf8");
}
const own = "127.0.0.1\tlocalhost\n# a line of the user's\n10.0.0.1\tprinter\n";

describe("names in a guest's /etc/hosts", () => {
  it("are added beneath what is there", () => {
    expect(hosts(own, ["lan", { web: "198.18.0.2", db: "198.18.0.3" }])).toBe(`${own}198.18.0.2\tweb # glowplug: lan\n198.18.0.3\tdb # glowplug: lan\n`);
  });

  it("are replaced by those of a later time, and by nothing", () => {
    expect(hosts(own, ["lan", { web: "198.18.0.2" }], ["lan", { web: "198.18.0.9" }])).toBe(`${own}198.18.0.9\tweb # glowplug: lan\n`);
    expect(hosts(own, ["lan", { web: "198.18.0.2" }], ["lan", {}])).toBe(own);
  });

  it("leave those of another tag alone", () => {
    expect(hosts("", ["lan", { web: "198.18.0.2" }], ["host", { gateway: "10.0.2.2" }], ["lan", {}]).trim()).toBe("10.0.2.2\tgateway # glowplug: host");
  });

  it("are not written again when they are there already", () => {
    const file = join(scratchFolder(), "hosts");
    writeFileSync(file, own);
    const line = hostsLine("lan", { web: "198.18.0.2" }).replaceAll("/etc/hosts", file);
    execFileSync("/bin/sh", ["-euc", line]);
    const { mtimeNs, ino } = statSync(file, { bigint: true });
    execFileSync("/bin/sh", ["-euc", line]);
    expect(statSync(file, { bigint: true })).toMatchObject({ mtimeNs, ino });
  });
});

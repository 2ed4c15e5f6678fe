import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BoundedLog } from "../../../core/keeper/bounded-log.ts";
import { GuestConsole, readable } from "../../../core/keeper/console.ts";

function consoleOf(): GuestConsole {
  return new GuestConsole(new BoundedLog(join(mkdtempSync(join(tmpdir(), "gp-")), "serial.log")));
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);
}

describe("the guest's console", () => {
  it.each([
    ["[    0.000000] Linux version 6.1.0", true],
    ["Welcome to Debian GNU/Linux 12!", true],
    ["SeaBIOS (version 1.16.2)\nBooting from Hard Disk...", false],
    ["SYSLINUX 6.04 EDD\nboot:", false],
    ["GRUB loading.", false],
  ])("takes %j as a sign of life: %s", async (text, alive) => {
    const its = consoleOf();
    its.take(Buffer.from(text));
    expect(await isSettled(its.alive)).toBe(alive);
  });

  it("knows a sign of life that arrives in pieces", async () => {
    const its = consoleOf();
    for (const piece of ["[    0.0", "00000] Linux ver", "sion 6.1"]) its.take(Buffer.from(piece));
    expect(await isSettled(its.alive)).toBe(true);
  });

  it("tells of a failed Ignition with the lines in which Ignition explains it", async () => {
    const its = consoleOf();
    its.take(Buffer.from([
      "[   12.1] systemd[1]: Starting Ignition (files)...",
      "[   12.5] ignition[561]: CRITICAL : Ignition failed: failed to create files: mkdir /etc/x: not a directory",
      "[   12.6] systemd[1]: ignition-files.service: Failed with result 'exit-code'.",
      "Entering emergency mode. Exit the shell to continue.",
    ].join("\r\n")));
    const failure = await its.failed;
    expect(failure.what).toBe("Ignition failed in the guest");
    expect(failure.lines).toEqual(["[   12.5] ignition[561]: CRITICAL : Ignition failed: failed to create files: mkdir /etc/x: not a directory"]);
  });

  it("tells of a cloud-init that did not find its seed", async () => {
    const its = consoleOf();
    its.take(Buffer.from("[   14.2] cloud-init[412]: 2026-11-28 18:00:00,000 - util.py[WARNING]: Failed to mount /dev/vdb when looking for data\n[   31.0] cloud-init[598]: 2026-11-28 18:00:17,000 - cc_final_message.py[WARNING]: Used fallback datasource\n"));
    const { what, lines } = await its.failed;
    expect([what, lines.at(0)]).toEqual(["cloud-init did not find its seed in the guest", expect.stringContaining("Failed to mount /dev/vdb")]);
  });

  it("tells of a kernel panic", async () => {
    const its = consoleOf();
    its.take(Buffer.from("[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs"));
    expect((await its.failed).what).toBe("the guest's kernel panicked");
    expect(its.lastPanic).toBe("VFS: Unable to mount root fs");
    its.take(Buffer.from("\r\n[    1.1] Call Trace:\r\n[    1.2] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs ]---\r\n"));
    expect(its.lastPanic).toBe("VFS: Unable to mount root fs");
  });

  it("shows lines without escape sequences", () => {
    expect(readable("\u001b[0;32m  OK  \u001b[0m] Started\r\nnext\u0007 line\n\n")).toEqual(["  OK  ] Started", "next line"]);
  });
});

describe("a bounded log", () => {
  it("keeps the newest part and one older file", () => {
    const path = join(mkdtempSync(join(tmpdir(), "gp-")), "x.log");
    const log = new BoundedLog(path, 100);
    for (let index = 0; index < 50; index += 1) log.write(`line ${String(index).padStart(2, "0")}\n`);
    log.close();
    expect(readFileSync(path, "utf8").endsWith("line 49\n")).toBe(true);
    expect(readFileSync(path).length).toBeLessThanOrEqual(100);
    expect(readFileSync(`${path}.1`).length).toBeLessThanOrEqual(100);
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { trimLog, watchLog } from "../../core/trim-log.ts";
import { makeTestFolder } from "../support/folders.ts";

function logFile(): string {
  const { path, remove } = makeTestFolder();
  onTestFinished(remove);
  return join(path, "vm.log");
}

test("a log within its limit, and one that is not there, are left alone", () => {
  const path = logFile();
  trimLog(path, 10);
  expect(existsSync(path)).toBe(false);
  writeFileSync(path, "ten bytes.");
  trimLog(path, 10);
  expect([readFileSync(path, "utf8"), existsSync(`${path}.1`)]).toEqual(["ten bytes.", false]);
});

test("a log beyond its limit begins anew, its end is kept, and whoever has it open writes on at the new end", () => {
  const path = logFile();
  const writer = openSync(path, "a");
  onTestFinished(() => closeSync(writer));
  writeSync(writer, `${"x".repeat(3 * 2 ** 20)}the end\n`);
  trimLog(path, 100);
  expect([statSync(path).size, statSync(`${path}.1`).size, readFileSync(`${path}.1`, "utf8").endsWith("xthe end\n")]).toEqual([0, 2 ** 20, true]);
  writeSync(writer, "after it\n");
  expect(readFileSync(path, "utf8")).toBe("after it\n");
});

test("a log that is watched stays within its limit while another process floods it", async () => {
  const path = logFile();
  const output = openSync(path, "a");
  const end = watchLog(path, 2 ** 20);
  onTestFinished(end);
  const child = spawn(process.execPath, ["-e", 'const piece = Buffer.alloc(2 ** 20, "y"); for (let n = 0; n < 128; n += 1) require("fs").writeSync(1, piece); require("fs").writeSync(1, "last words\\n");'], { stdio: ["ignore", output, "inherit"] });
  closeSync(output);
  await once(child, "exit");
  await expect.poll(() => statSync(path).size, { timeout: 10_000 }).toBeLessThanOrEqual(2 ** 20);
  expect(readFileSync(`${path}.1`, "utf8") + readFileSync(path, "utf8")).toMatch(/last words\n$/);
});

test("a log that is watched no longer is cut once more", () => {
  const path = logFile();
  const end = watchLog(path, 10);
  appendFileSync(path, "more than ten bytes");
  end();
  expect([statSync(path).size, readFileSync(`${path}.1`, "utf8")]).toEqual([0, "more than ten bytes"]);
});

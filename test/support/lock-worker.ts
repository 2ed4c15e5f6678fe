/** A process of its own that takes a lock, for the tests of core/lock.ts: `count LOCK FILE TIMES` or `hold LOCK`. */
import { readFileSync, writeFileSync } from "node:fs";
import { takeLock } from "../../core/lock.ts";

const [job, path = "", file = "", times = "0"] = process.argv.slice(2);

if (job === "count") {
  for (let turn = 0; turn < Number(times); turn += 1) {
    const lock = await takeLock(path, { purpose: "counting", timeoutMs: 60_000 });
    const value = Number(readFileSync(file, "utf8"));
    await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(file, String(value + 1));
    lock.release();
  }
} else {
  await takeLock(path, { purpose: "glowplug start default" });
  process.stdout.write("held\n");
  setInterval(() => {}, 60_000);
}

/**
 * A process of its own that brings an image into a store: `FOLDER IMAGE`, the image as JSON. It begins when a line comes on its standard input. Prints
 * "here N" for the bytes that it has, "note TEXT", and in the end "done ID" and "resident KIB", the most memory that it had.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { obtainImage } from "../../core/cache.ts";
import type { FetchImage } from "../../core/located-image.ts";
import { testPaths } from "./folders.ts";
import { makeTestRun } from "./run.ts";

const [path = "", image = ""] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
await import("undici"); // so that what is measured and killed is the download, not the loading
say("ready");
await once(process.stdin, "data");
const run = makeTestRun({ path, paths: testPaths(path) }, { env: {} });
const report: typeof run.report = {
  ...run.report,
  phase: (title) => ({ ...run.report.phase(title), progress: (done) => say(`here ${done}`), note: (text) => say(`note ${text}`) }),
};
const { id } = await obtainImage(JSON.parse(image) as FetchImage, { ...run, report });
say(`done ${id}`);
say(`resident ${/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]}`);
process.exit(0);

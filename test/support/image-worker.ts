/** A process of its own that takes an image for a machine and stays, for the tests of core/image-use.ts: `FOLDER IMAGE`. */
import { obtainImage } from "../../core/cache.ts";
import { testPaths } from "./folders.ts";
import { makeTestRun } from "./run.ts";

const [path = "", image = ""] = process.argv.slice(2);
await obtainImage({ kind: "local", title: "a disk", path: image }, makeTestRun({ path, paths: testPaths(path) }));
process.stdout.write("taken\n");
setInterval(() => {}, 60_000);

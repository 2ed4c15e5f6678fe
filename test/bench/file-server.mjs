// @ts-check
/** Serves the files of a folder on a port of the loopback, which it prints: `FOLDER`. A process of its own, so that it takes no time of what is measured. */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";

const [folder = ""] = process.argv.slice(2);
const server = createServer(({ url = "" }, response) => {
  const path = join(folder, basename(url));
  response.writeHead(200, { "content-length": statSync(path).size, etag: '"1"' });
  createReadStream(path, { highWaterMark: 2 ** 20 }).pipe(response);
}).listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" && address ? address.port : "");
});

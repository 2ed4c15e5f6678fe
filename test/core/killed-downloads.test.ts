import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildDist } from "../../core/bundle.ts";
import { obtainImage } from "../../core/cache.ts";
import { listImages } from "../../core/image-store.ts";
import type { FetchImage } from "../../core/located-image.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun } from "../support/run.ts";
import { digestOf, startWeb, type TestWeb } from "../support/web.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const kills = 50;
const most = 2 ** 20;
const disk = randomBytes(4 * 2 ** 20);
const files = { none: disk, gz: gzipSync(disk, { level: 1 }) } as const;

let built: TestFolder;
let web: TestWeb;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  built = makeTestFolder();
  await buildDist({ outdir: built.path, extra: { worker: "test/support/pull-worker.ts" } });
  web = await startWeb();
}, 60_000);
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await web.close();
  built.remove();
});

interface Worker {
  readonly child: ChildProcess;
  /** Bytes that it says it has. */
  here: number;
  readonly lines: string[];
  onLine(): void;
  go(): void;
  readonly ended: Promise<unknown>;
}
async function startWorker(folder: TestFolder, image: FetchImage): Promise<Worker> {
  const child = spawn(process.execPath, [join(built.path, "worker.js"), folder.path, JSON.stringify(image)], { stdio: ["pipe", "pipe", "inherit"] });
  children.add(child);
  const ended = once(child, "close").finally(() => children.delete(child));
  const worker: Worker = { child, here: 0, lines: [], onLine: () => {}, go: () => void child.stdin?.write("go\n"), ended };
  child.stdin?.on("error", () => {}); // of one that was killed
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout ?? process.stdin }).on("line", (line) => {
      if (line === "ready") resolve();
      const here = /^here (\d+)$/.exec(line);
      if (here) worker.here = Number(here[1]);
      else worker.lines.push(line);
      worker.onLine();
    });
  });
  await Promise.race([ready, ended]);
  return worker;
}

/** Sends a file no further ahead of a worker than a quarter of the most that may be lost: what lies in the system's buffers has not arrived. */
async function sendPaced(response: ServerResponse, bytes: Buffer, until: number, worker: Worker): Promise<void> {
  response.writeHead(200, { "content-length": bytes.length, etag: '"1"' });
  for (let sent = 0; sent < Math.min(until, bytes.length); ) {
    if (sent - worker.here > most / 4) await new Promise<void>((resolve) => { worker.onLine = resolve; });
    else {
      const piece = bytes.subarray(sent, Math.min(sent + 32_768, until));
      sent += piece.length;
      await new Promise((resolve) => response.write(piece, resolve));
    }
  }
  while (until > bytes.length && worker.here < bytes.length) await new Promise<void>((resolve) => { worker.onLine = resolve; });
}

/** A download that is killed after so many bytes, and the next try. Returns the bytes that came twice. */
async function killOnce(path: string, compression: "none" | "gz", until: number): Promise<number> {
  const bytes = files[compression];
  const folder = makeTestFolder();
  const image: FetchImage = { kind: "fetch", title: "a release", url: `${web.address}${path}`, digest: digestOf(bytes), format: "raw", compression };
  try {
    const worker = await startWorker(folder, image);
    const sent = new Promise<void>((resolve) => { web.answers[path] = (_, response) => void sendPaced(response, bytes, until, worker).then(resolve); });
    worker.go();
    await sent;
    worker.child.kill("SIGKILL");
    await worker.ended;

    let begun: number | undefined;
    web.answers[path] = ({ headers: { range, "if-range": condition } }, response) => {
      begun = condition === '"1"' ? Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1]) : 0;
      response.writeHead(begun > 0 ? 206 : 200, { etag: '"1"', ...(begun > 0 && { "content-range": `bytes ${begun}-${bytes.length - 1}/${bytes.length}` }) }).end(bytes.subarray(begun));
    };
    const run = makeTestRun(folder, { env: {} });
    expect((await obtainImage(image, run)).id).toBe(digestOf(disk).hex);
    expect([listImages(run.paths.store).length, readdirSync(join(run.paths.store, "incoming")), readdirSync(run.paths.partial)]).toEqual([1, [], []]);
    return Math.max(0, Math.min(until, bytes.length) - (begun ?? bytes.length));
  } finally {
    folder.remove();
  }
}

/** A row of numbers between 0 and 1 that a seed determines (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test(`after each of ${kills} kills at random moments the next try works, and no more than 1 MiB comes twice (SEED=${seed})`, async () => {
  const random = randomFrom(seed);
  // Some come when all has arrived, while it is on its way into the store.
  const rounds = Array.from({ length: kills }, (_, index) => ({ index, until: Math.floor(random() * 1.15 * disk.length) }));
  const twice: number[] = [];
  const lane = async (): Promise<void> => {
    for (let round = rounds.shift(); round; round = rounds.shift()) twice.push(await killOnce(`/disk-${round.index}`, round.index % 2 === 0 ? "none" : "gz", round.until));
  };
  await Promise.all([lane(), lane()]);
  expect(twice.length).toBe(kills);
  expect(Math.max(...twice), `SEED=${seed}: ${twice.join(" ")}`).toBeLessThanOrEqual(most);
}, 180_000);

test("two processes that want the same image share one download", async () => {
  const folder = makeTestFolder();
  const bytes = files.gz;
  const image: FetchImage = { kind: "fetch", title: "a release", url: `${web.address}/shared`, digest: digestOf(bytes), format: "raw", compression: "gz" };
  try {
    const [first, second] = await Promise.all([startWorker(folder, image), startWorker(folder, image)]);
    let asked = 0;
    const waits = new Promise<void>((resolve) => {
      second.onLine = () => { if (second.lines.some((line) => line.startsWith("note "))) resolve(); };
    });
    web.answers["/shared"] = (_, response) => {
      asked += 1;
      response.write(bytes.subarray(0, 100_000));
      second.go();
      void waits.then(() => response.end(bytes.subarray(100_000)));
    };
    first.go();
    await Promise.all([first.ended, second.ended]);
    const done = `done ${digestOf(disk).hex}`;
    expect([asked, first.lines.includes(done), second.lines.includes(done), second.lines.filter((line) => line.startsWith("note"))]).toEqual([1, true, true, [`note waiting for process ${first.child.pid} (downloading a release)`]]);
  } finally {
    folder.remove();
  }
}, 30_000);

test("whatever the image's size, it takes little memory", async () => {
  const folder = makeTestFolder();
  // 1 GiB in parts of 16 MiB that are packed one by one; the first 1 MiB of each is no hole.
  const part = Buffer.concat([randomBytes(2 ** 20), Buffer.alloc(15 * 2 ** 20)]);
  const packed = gzipSync(part, { level: 1 });
  const count = 64;
  const image: FetchImage = { kind: "fetch", title: "a release", url: `${web.address}/large`, digest: "waived", format: "raw", compression: "gz" };
  try {
    web.answers["/large"] = (_, response) => void (async () => {
      for (let turn = 0; turn < count; turn += 1) if (!response.write(packed)) await once(response, "drain");
      response.end();
    })();
    const worker = await startWorker(folder, image);
    worker.go();
    await worker.ended;
    expect(listImages(makeTestRun(folder).paths.store).map(({ size }) => size)).toEqual([count * part.length]);
    const resident = Number(/\d+/.exec(worker.lines.find((line) => line.startsWith("resident")) ?? "")?.[0]) / 1024;
    expect(resident).toBeGreaterThan(30);
    expect(resident).toBeLessThan(200);
  } finally {
    folder.remove();
  }
}, 60_000);

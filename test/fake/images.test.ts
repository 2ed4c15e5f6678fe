import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { convertDisk, writeRawDisk } from "../support/disks.ts";
import { makeTestFolder } from "../support/folders.ts";
import { makeSigner, type TestSigner } from "../support/signer.ts";
import { filesBelow, World, type Ended } from "../support/world.ts";

/** A server in Fedora's place: its metadata as it is, but for addresses, the checksums of one small disk, and who signed it. */
interface Answer {
  readonly status?: number;
  readonly body: string | Buffer;
}

const published = "https://builds.coreos.fedoraproject.org";
const release = "44.20260707.3.1";
const streamText = (stream: string): string => readFileSync(new URL(`../fixtures/streams/${stream}.json`, import.meta.url), "utf8");
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

let disk: Buffer;
let packed: Buffer;
let raw: Buffer;
let publisher: TestSigner;
let signature: Buffer;
let world: World;
let server: Server;
let address: string;
let asked: string[];
let answers: Record<string, Answer>;

beforeAll(async () => {
  const folder = makeTestFolder();
  const [rawPath, qcow2Path] = ["raw", "qcow2"].map((format) => join(folder.path, `disk.${format}`)) as [string, string];
  writeRawDisk(rawPath, { size: 4 * 2 ** 20, data: [{ at: 2 ** 20, bytes: randomBytes(50_000) }] });
  convertDisk(rawPath, qcow2Path, "qcow2");
  [disk, raw] = [readFileSync(qcow2Path), readFileSync(rawPath)];
  packed = execFileSync("xz", ["-c", "-1"], { input: disk });
  folder.remove();
  publisher = await makeSigner("publisher");
  signature = await publisher.sign(packed);
});

beforeEach(async () => {
  asked = [];
  server = createServer(({ url = "" }, response) => {
    asked.push(url);
    const { status = 200, body } = answers[url] ?? { status: 404, body: "no such file" };
    response.writeHead(status).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answers = { "/streams/stable.json": { body: metadata() }, [path()]: { body: packed }, [sig()]: { body: signature } };
  world = new World({});
  Object.assign(world.env, { no_proxy: "127.0.0.1", NO_PROXY: "127.0.0.1" });
  rmSync(join(world.folder, "bin/qemu-img")); // the true one reads the disk that was unpacked
  world.write("box.ts", script());
});
afterEach(async () => {
  await world.close();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

const arch = { x64: "x86_64", arm64: "aarch64" }[process.arch as "x64" | "arm64"];
const path = (file = `fedora-coreos-${release}-qemu.${arch}.qcow2.xz`): string => `/prod/streams/stable/builds/${release}/${arch}/${file}`;

const sig = (): string => `${path()}.sig`;

interface Facts {
  architectures: Record<string, { artifacts: Record<string, { formats: Record<string, { disk: Record<string, string> }> }> }>;
}

/** The real metadata of stable with this server's address and the small disk's checksums. */
function metadata(change: (facts: Facts) => void = () => {}): string {
  const facts = JSON.parse(streamText("stable").replaceAll(published, address)) as Facts;
  Object.assign(facts.architectures[arch]?.artifacts["qemu"]?.formats["qcow2.xz"]?.disk ?? {}, { sha256: sha256(packed), "uncompressed-sha256": sha256(disk) });
  change(facts);
  return JSON.stringify(facts);
}
const qemuDisk = (facts: Facts): Record<string, string> => facts.architectures[arch]?.artifacts["qemu"]?.formats["qcow2.xz"]?.disk ?? {};

function script(options: object = { url: `${address}/streams`, keys: [publisher.key] }, extra = ""): string {
  return `import fcos from "glowplug/plugins/images/fcos";
export default { image: fcos(${JSON.stringify(options)}), disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "slirp", podman: false, ${extra} };\n`;
}

const store = (): string => join(world.folder, "images");
/** Names of what is in the store, and what is still on its way. */
const images = (): string[] => readdirSync(store()).filter((name) => /^[0-9a-f]{64}$/.test(name));
const incoming = (): string[] => (existsSync(join(store(), "incoming")) ? readdirSync(join(store(), "incoming")) : []);
const recordOf = (name: string): { image: Record<string, unknown> } => JSON.parse(readFileSync(join(world.folder, `data/glowplug/machines/${name}/machine.json`), "utf8"));

/** An init that failed left nothing behind. */
function expectNothing(ended: Ended): void {
  expect(ended).toMatchObject({ code: 125, stderr: expect.stringMatching(/^hint: ./m) });
  expect([existsSync(store()) ? images() : [], incoming(), filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([[], [], []]);
}

describe("init with Fedora CoreOS", () => {
  it("reads the stream's metadata, fetches the disk, verifies it packed and unpacked, and stores it", async () => {
    await world.ok("init", "./box.ts");
    expect(asked).toEqual(["/streams/stable.json", sig(), path()]);
    expect(recordOf("box").image).toEqual({
      source: "fcos", title: `Fedora CoreOS ${release} (stable)`, release, origin: `${address}${path()}`, id: sha256(disk), path: join(store(), sha256(disk), "disk.qcow2"), format: "qcow2", virtualSize: 4 * 2 ** 20,
      verified: [
        { what: "download", digest: { algorithm: "sha256", hex: sha256(packed) } }, { what: "result", digest: { algorithm: "sha256", hex: sha256(disk) } },
        { what: "signature", by: `${publisher.key.owner} ${publisher.key.fingerprint}`, over: "file" },
      ],
    });
    expect(readFileSync(join(store(), sha256(disk), "disk.qcow2")).equals(disk)).toBe(true);
    expect(incoming()).toEqual([]);
  });

  it("takes the disk of a second machine from the store", async () => {
    world.write("web.ts", script());
    await world.ok("init", "./box.ts");
    await world.ok("init", "./web.ts");
    expect(asked).toEqual(["/streams/stable.json", sig(), path(), "/streams/stable.json"]);
    expect(recordOf("web").image).toEqual(recordOf("box").image);
  });

  it("asks for a pinned release's own checksums, in YAML as well", async () => {
    answers[path("meta.json")] = { body: JSON.stringify({ images: { qemu: { path: path().split("/").at(-1), sha256: sha256(packed), size: packed.length, "uncompressed-sha256": sha256(disk) } } }) };
    world.write("pinned.yaml", `image: [fcos, { release: ${release}, url: "${address}/streams", keys: ${JSON.stringify([publisher.key])} }]\nforwarder: slirp\npodman: false\ndisk: 1GiB\nmemory: 256MiB\n`);
    await world.ok("init", "./pinned.yaml");
    expect(asked).toEqual([path("meta.json"), sig(), path()]);
    expect(recordOf("pinned").image).toMatchObject({ id: sha256(disk), release, verified: [{ what: "download" }, { what: "result" }, { what: "signature" }] });
  });

  const stream = "/streams/stable.json";
  const changed = (change: (facts: Facts) => void) => () => ({ [stream]: { body: metadata(change) } });

  it.each<[string, () => Record<string, Answer>, () => string]>([
    ["is a login page", () => ({ [stream]: { body: "<html>Log in</html>" } }), () => `${stream} is no metadata of Fedora CoreOS: expected JSON, found text that begins with "<html>Log in</html>"`],
    ["is cut off", () => ({ [stream]: { body: metadata().slice(0, 5000) } }), () => `${stream} is no metadata of Fedora CoreOS: expected JSON, found text that begins with `],
    ["is missing", () => ({ [stream]: { status: 404, body: "" } }), () => `${stream} could not be fetched: the server answered 404`],
    ["lacks this architecture", changed((facts) => delete facts.architectures[arch]), () => `${stream} has nothing for ${arch}; it has `],
    ["lacks a disk for QEMU", changed((facts) => delete facts.architectures[arch]?.artifacts["qemu"]), () => `${stream} offers no disk that fits: for ${arch} expected a disk for qemu, found `],
  ])("refuses metadata that %s, asks for no disk and leaves nothing", async (_, changes, message) => {
    Object.assign(answers, changes());
    const ended = await world.glowplug("init", "./box.ts");
    expectNothing(ended);
    expect(ended.stderr).toContain(address + message());
    expect(asked).toEqual([stream]);
  });

  const zeros = "0".repeat(64);
  let strange: Buffer;
  beforeAll(async () => {
    strange = await publisher.sign(Buffer.from("something else"));
  });
  it("refuses a disk that somebody else signed than Fedora", async () => {
    world.write("box.ts", script({ url: `${address}/streams` }));
    const ended = await world.glowplug("init", "./box.ts");
    expectNothing(ended);
    expect(ended.stderr).toContain(`${address}${path()} is not signed by its publisher`);
  });

  it.each<[string, () => Record<string, Answer>, () => string]>([
    ["a disk that is missing", () => ({ [path()]: { status: 404, body: "" } }), () => `${address}${path()} could not be fetched: the server answered 404`],
    ["a disk without its signature", () => ({ [sig()]: { status: 404, body: "" } }), () => `Fedora CoreOS ${release} (stable) is to be signed, and its signature is missing: ${address}${sig()} could not be fetched: the server answered 404`],
    ["a signature of something else", () => ({ [sig()]: { body: strange } }), () => `${address}${path()} is not signed by its publisher`],
    ["a page in the disk's place", () => ({ [path()]: { body: "<html>Log in</html>" } }), () => `${address}${path()} is a web page, not an image`],
    ["a disk with another checksum", changed((facts) => Object.assign(qemuDisk(facts), { sha256: zeros })), () => `${address}${path()} is not what was published: expected sha256 ${zeros}, found ${sha256(packed)}`],
    ["a disk with another checksum once unpacked", changed((facts) => Object.assign(qemuDisk(facts), { "uncompressed-sha256": zeros })), () => `the unpacked disk of Fedora CoreOS ${release} (stable) is not what was published: expected sha256 ${zeros}, found ${sha256(disk)}`],
  ])("refuses %s, leaves nothing, and works the next time", async (_, changes, message) => {
    const good = answers;
    answers = { ...good, ...changes() };
    const ended = await world.glowplug("init", "./box.ts");
    expectNothing(ended);
    expect(ended.stderr).toContain(message());
    answers = good;
    await world.ok("init", "./box.ts");
    expect([images(), incoming()]).toEqual([[sha256(disk)], []]);
  });
});

describe("beforeDownload", () => {
  const toMirror = 'beforeDownload({ image }) { image.url = image.url.replace("/prod/", "/mirror/"); }';
  const mirrored = (): string => path().replace("/prod/", "/mirror/");

  it("can send a download to a mirror", async () => {
    world.write("box.ts", script(undefined, toMirror));
    answers[mirrored()] = { body: packed };
    await world.ok("init", "./box.ts");
    expect(asked).toEqual(["/streams/stable.json", sig(), mirrored()]);
    expect(recordOf("box").image).toMatchObject({ id: sha256(disk), origin: `${address}${mirrored()}` });
  });

  it("cannot make a mirror's disk pass for the published one", async () => {
    world.write("box.ts", script(undefined, toMirror));
    answers[mirrored()] = { body: execFileSync("xz", ["-c"], { input: raw }) };
    const ended = await world.glowplug("init", "./box.ts");
    expectNothing(ended);
    expect(ended.stderr).toContain(`${address}${mirrored()} is not what was published: expected sha256 ${sha256(packed)}, found `);
  });
});

describe("an image by its address", () => {
  const flags = ["--forwarder", "slirp", "--disk-size", "1", "--memory", "256", "--cpus", "1"];
  beforeEach(() => {
    answers["/raw.img.gz"] = { body: execFileSync("gzip", ["-c"], { input: disk }) };
  });
  const url = (): string => `${address}/raw.img.gz`;
  const digest = (): string => sha256(answers["/raw.img.gz"]?.body as Buffer);

  it("needs a checksum or a word that waives it", async () => {
    const ended = await world.glowplug("init", "--image", url(), ...flags, "box2");
    expectNothing(ended);
    expect(ended.stderr).toMatch(/the file image has an address without a digest[\s\S]*^hint: .*--image-digest and --insecure-no-digest/m);
    expect(asked).toEqual([]);
  });

  it("is verified by its checksum", async () => {
    const wrong = await world.glowplug("init", "--image", url(), "--image-digest", `sha256:${"0".repeat(64)}`, ...flags, "box2");
    expectNothing(wrong);
    expect(wrong.stderr).toContain(`${url()} is not what was published: expected sha256 ${"0".repeat(64)}, found ${digest()}`);
    await world.ok("init", "--image", url(), "--image-digest", `sha256:${digest()}`, ...flags, "box2");
    expect(recordOf("box2").image).toMatchObject({ source: "file", id: sha256(disk), verified: [{ what: "download", digest: { algorithm: "sha256", hex: digest() } }] });
  });

  it("is taken as it comes where that is said, and nothing is called verified", async () => {
    await world.ok("init", "--image", url(), "--insecure-no-digest", ...flags, "box2");
    expect(recordOf("box2").image).toMatchObject({ source: "file", id: sha256(disk), verified: [] });
  });
});

describe("plan for another host", () => {
  it.each([
    ["stable", "darwin/arm64", "aarch64", release, "2877b34cc4572f2e3f3027ad056f7bd89f5069a540f3a6a8785108f695297883"],
    ["testing", "linux/arm64", "aarch64", "44.20260720.2.1", "06df1793babc235cbe9e8e0b4a00f3eff04e43c09689a1a8327f7f9c12a1e575"],
    ["next", "linux/aarch64", "aarch64", "44.20260720.1.1", "81046efe1680e1a99b302c7007256388def250d69f672551820fcccfc154fe64"],
    ["next", "linux/amd64", "x86_64", "44.20260720.1.1", "d05460e9149a78468d3146eab5dc13d066800a8bd6d51b08383a3a7c38e87fec"],
  ])("names the disk of %s for %s, and fetches nothing but metadata", async (stream, host, its, itsRelease, hex) => {
    answers[`/streams/${stream}.json`] = { body: streamText(stream) };
    world.write("box.ts", script({ stream, url: `${address}/streams` }));
    const plan = JSON.parse(await world.ok("plan", "--json", "--host", host, "./box.ts")) as { image: object };
    expect(plan.image).toMatchObject({
      signature: { url: `${published}/prod/streams/${stream}/builds/${itsRelease}/${its}/fedora-coreos-${itsRelease}-qemu.${its}.qcow2.xz.sig`, keys: [{ fingerprint: "36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6", owner: "Fedora (44) <fedora-44-primary@fedoraproject.org>" }] },
      kind: "fetch", title: `Fedora CoreOS ${itsRelease} (${stream})`, by: { url: "fcos", digest: "fcos", format: "fcos" }, digest: { algorithm: "sha256", hex }, compression: "xz", format: "qcow2",
      url: `${published}/prod/streams/${stream}/builds/${itsRelease}/${its}/fedora-coreos-${itsRelease}-qemu.${its}.qcow2.xz`,
    });
    expect(asked).toEqual([`/streams/${stream}.json`]);
    expect(existsSync(store())).toBe(false);
  });
});

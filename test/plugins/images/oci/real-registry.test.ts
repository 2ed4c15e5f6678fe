import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FetchImage, LocatedImage, RecordedImage } from "glowplug";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obtainImage } from "../../../../core/cache.ts";
import { locateImage } from "../../../../core/lifecycle/image-query.ts";
import type { ResolvedSpec } from "../../../../core/spec-types.ts";
import oci, { type OciOptions } from "../../../../plugins/images/oci.ts";
import { startRegistry, startTokenService, type TestRegistry, type TokenService } from "../../../fixtures/registry.ts";
import { convertDisk, writeRawDisk } from "../../../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../../../support/folders.ts";
import { machineOs, type OciImage } from "../../../support/oci-image.ts";
import { makeTestRun, type TestRun } from "../../../support/run.ts";

const login = { user: "me", password: "p:w" };
/** bcrypt of the password, as htpasswd(1) -B writes it. */
const htpasswd = "me:$2b$04$9twkWD9M9G3cJHrkprb6OOGaMZo1KUjYRzFcIZKPujvNOZjPHC6fC\n";

let folder: TestFolder;
let run: TestRun;
let disk: Buffer;
let packed: Buffer;
let image: OciImage;
beforeAll(() => {
  folder = makeTestFolder();
  run = makeTestRun(folder, { env: {}, home: folder.path, os: "darwin", arch: "x86_64" }); // where no runtime folder of this host's user is looked into
  const [raw, qcow2] = [join(folder.path, "disk.raw"), join(folder.path, "disk.qcow2")];
  writeRawDisk(raw, { size: 4 * 2 ** 20, data: [{ at: 4096, bytes: randomBytes(300_000) }] });
  convertDisk(raw, qcow2, "qcow2");
  disk = readFileSync(qcow2);
  packed = execFileSync("zstd", ["-c", "-q"], { input: disk });
  image = machineOs(packed);
});
afterAll(() => folder.remove());

const sha256 = (bytes: Buffer) => ({ algorithm: "sha256" as const, hex: createHash("sha256").update(bytes).digest("hex") });
const newFolder = (name: string): string => {
  const path = join(folder.path, name);
  mkdirSync(path);
  return path;
};
const locate = async (options: OciOptions, { offline = false } = {}): Promise<LocatedImage> => {
  const launcher = { platforms: ["qemu"], formats: ["qcow2", "raw"] };
  return locateImage({ image: oci(options), launcher } as unknown as ResolvedSpec, { ...run, host: run.host, offline });
};
/** What of the registries' answers lies in the cache. */
const keptTexts = (): string => readdirSync(join(run.paths.cache, "texts")).map((name) => {
  const { url, headers, body } = JSON.parse(readFileSync(join(run.paths.cache, "texts", name), "utf8")) as { url: string; headers: object; body: string };
  return `${url} ${JSON.stringify(headers)} ${Buffer.from(body, "base64").toString("utf8")}`;
}).join("\n");
/** Brings what was located into a store of its own, with what the registry wants to hear. */
async function obtain(located: LocatedImage, name: string): Promise<RecordedImage> {
  return obtainImage(located, { ...run, host: run.host, paths: { ...run.paths, store: newFolder(`store-${name}`) } });
}

describe("a registry for everybody", () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startRegistry(newFolder("open"));
    await registry.push("podman/machine-os", "5.6", image);
  });
  afterAll(() => registry.close());

  it("gives a disk, which is checked, unpacked and stored", async () => {
    const url = `docker://${registry.host}/podman/machine-os:5.6`;
    const located = await locate({ url });
    expect(located).toMatchObject({ kind: "fetch", digest: sha256(packed), size: packed.length, format: "qcow2", compression: "zst" });
    const stored = await obtainImage(located, run, "oci");
    expect(stored).toMatchObject({ source: "oci", title: url.slice("docker://".length), format: "qcow2", id: sha256(disk).hex, virtualSize: 4 * 2 ** 20, verified: [{ what: "download", digest: sha256(packed) }] });
    expect(readFileSync(stored.path).equals(disk)).toBe(true);
  });

  it("gives it by the digest of its index", async () => {
    expect(await locate({ url: `docker://${registry.host}/podman/machine-os@${image.root.digest}` })).toMatchObject({ digest: sha256(packed) });
  });

  it.each(["podman/machine-os:5.7", "podman/other:5.6"])("has no %s, and says so", async (name) => {
    await expect(locate({ url: `docker://${registry.host}/${name}` })).rejects.toMatchObject({ code: "not-found", message: `the registry has no docker://${registry.host}/${name} (MANIFEST_UNKNOWN)` });
  });
});

describe("a registry with a token service", () => {
  let tokens: TokenService;
  let registry: TestRegistry;
  beforeAll(async () => {
    const path = newFolder("guarded");
    tokens = await startTokenService(path, login);
    registry = await startRegistry(path, tokens);
    for (const name of ["public/machine-os", "private/machine-os"]) await registry.push(name, "5.6", image);
    writeFileSync(join(folder.path, "auth.json"), JSON.stringify({ auths: { [`${registry.host}/private`]: { auth: Buffer.from(`${login.user}:${login.password}`).toString("base64") } } }));
  });
  afterAll(async () => {
    await registry.close();
    await tokens.close();
  });

  it("gives everybody a public disk by an anonymous token", async () => {
    const located = await locate({ url: `docker://${registry.host}/public/machine-os:5.6` });
    expect(located).toMatchObject({ digest: sha256(packed), headers: { authorization: expect.stringMatching(/^Bearer /) } });
    expect((await obtain(located, "public")).id).toBe(sha256(disk).hex);
    expect(tokens.asked).toContain("nobody repository:public/machine-os:pull");
  });

  it("is not needed for a disk that was once fetched, and no token is kept", async () => {
    for (const [name, authFile] of [["public"], ["private", "auth.json"]]) {
      const options = { url: `docker://${registry.host}/${name}/machine-os:5.6`, ...(authFile !== undefined && { authFile }) };
      const { headers, by: _, ...located } = (await locate(options)) as FetchImage;
      const token = String(headers?.["authorization"]).slice("Bearer ".length);
      const paths = { ...run.paths, store: newFolder(`store-offline-${name}`) };
      const fetched = await obtainImage({ ...located, headers }, { ...run, host: run.host, paths });
      const asked = tokens.asked.length;
      const again = await locate(options, { offline: true });
      expect(again).toMatchObject(located);
      expect(again).not.toHaveProperty("headers");
      expect(await obtainImage(again, { ...run, host: run.host, paths, offline: true })).toEqual(fetched);
      expect(tokens.asked.length).toBe(asked);
      expect([keptTexts().includes(`/v2/${name}/machine-os/manifests/5.6`), keptTexts().includes(token), keptTexts().includes('"token"')]).toEqual([true, false, false]);
    }
    await expect(locate({ url: `docker://${registry.host}/public/machine-os:5.7` }, { offline: true })).rejects.toMatchObject({ code: "offline", message: expect.stringContaining("/v2/public/machine-os/manifests/5.7 was not fetched before") });
  });

  it("gives nobody the disk itself without the token", async () => {
    const { headers: _, ...bare } = (await locate({ url: `docker://${registry.host}/public/machine-os:5.6` })) as FetchImage;
    await expect(obtain(bare, "bare")).rejects.toMatchObject({ code: "download", message: expect.stringMatching(/the server answered 401$/) });
  });

  it("gives a private disk to whom podman logged in", async () => {
    const located = await locate({ url: `docker://${registry.host}/private/machine-os:5.6`, authFile: "auth.json" });
    expect((await obtain(located, "private")).id).toBe(sha256(disk).hex);
    expect(tokens.asked).toContain("me repository:private/machine-os:pull");
  });

  it("gives nobody else a private disk", async () => {
    const url = `docker://${registry.host}/private/machine-os:5.6`;
    await expect(locate({ url })).rejects.toMatchObject({ code: "download", message: `${url} could not be fetched: the registry does not give it to everybody, and nobody is logged in there` });
    const authFile = join(folder.path, "wrong.json");
    writeFileSync(authFile, JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from("me:wrong").toString("base64") } } }));
    await expect(locate({ url, authFile })).rejects.toMatchObject({ code: "download", message: `${url} could not be fetched: the registry does not give it to everybody, not to "me", as ${authFile} has it` });
  });
});

describe("a registry with passwords", () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    const path = newFolder("passwords");
    writeFileSync(join(path, "htpasswd"), htpasswd);
    registry = await startRegistry(path, {
      auth: { htpasswd: { realm: "test", path: join(path, "htpasswd") } }, owner: () => `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`,
    });
    await registry.push("machine-os", "5.6", image);
  });
  afterAll(() => registry.close());

  it("gives a disk to whom docker logged in, and to nobody else", async () => {
    const url = `docker://${registry.host}/machine-os:5.6`;
    await expect(locate({ url })).rejects.toMatchObject({ code: "download", message: expect.stringMatching(/nobody is logged in there$/) });
    mkdirSync(join(folder.path, ".docker"));
    writeFileSync(join(folder.path, ".docker/config.json"), JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from("me:p:w").toString("base64") } } }));
    const { headers, by: _, ...located } = (await locate({ url })) as FetchImage;
    expect((await obtain({ ...located, headers }, "passwords")).id).toBe(sha256(disk).hex);
    expect(await locate({ url }, { offline: true })).toMatchObject(located);
    expect(keptTexts()).not.toMatch(/authorization|p:w|Basic /i);
  });
});

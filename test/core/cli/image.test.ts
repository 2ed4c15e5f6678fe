import { createHash } from "node:crypto";
import { chownSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { addImage, openIncoming } from "../../../core/image-add.ts";
import { findImage, readImage, type StoredImage } from "../../../core/image-store.ts";
import type { Paths } from "../../../core/paths.ts";
import type { Verification } from "../../../core/record.ts";
import { commandLine } from "./command-line.ts";

const age = expect.stringMatching(/ ago$/) as string;

/** Puts a disk of one block into the store. */
async function store(paths: Paths, title: string, verified: readonly Verification[] = []): Promise<StoredImage> {
  const incoming = await openIncoming(paths.store);
  const text = title.padEnd(4096, " ");
  const path = join(incoming.folder, "disk");
  writeFileSync(path, text);
  const id = createHash("sha256").update(text).digest("hex");
  const image = await addImage(paths.store, { id, format: "raw", virtualSize: 2 ** 30, path }, { kind: "fetch", url: `https://example.org/${title}`, digest: { algorithm: "sha256", hex: id }, format: "raw", compression: "none", title, release: "12", verified });
  incoming.remove();
  return image;
}
/** Gives an image to a machine. */
function use({ add }: ReturnType<typeof commandLine>, name: string, { id }: StoredImage): void {
  const record = add(name);
  add(name, { image: { ...record.image, id } });
}

describe("image ls", () => {
  test("shows what there is and who needs it", async () => {
    const line = commandLine();
    const [old, fresh] = [await store(line.paths, "Debian"), await store(line.paths, "Fedora CoreOS")];
    use(line, "web", fresh);
    use(line, "db", fresh);
    const { stdout, status } = await line.run(["image", "ls"]);
    expect(status).toBe(0);
    expect(stdout.split("\n").map((row) => row.split(/ {2,}/))).toEqual([
      ["ID", "TITLE", "RELEASE", "SIZE", "VIRTUAL", "AGE", "USED BY"],
      [old.id.slice(0, 12), "Debian", "12", "4KiB", "1GiB", age, ""],
      [fresh.id.slice(0, 12), "Fedora CoreOS", "12", "4KiB", "1GiB", age, "db, web"],
      [""],
    ]);
    expect((await line.run(["image", "ls", "--quiet"])).stdout).toBe(`${old.id.slice(0, 12)}\n${fresh.id.slice(0, 12)}\n`);
    expect((await line.run(["image", "ls", "-n", "--format", "{{.Title}} {{json .UsedBy}}"])).stdout).toBe('Debian []\nFedora CoreOS ["db","web"]\n');
  });
});

describe("image pull", () => {
  test.each([["--offline", {}], [undefined, { GLOWPLUG_OFFLINE: "1" }]])("offline (%s %j) fetches nothing, and names what is missing", async (flag, env) => {
    const line = commandLine();
    const { status, stderr } = await line.run(["image", "pull", "https://images.invalid/disk.raw", "--insecure-no-digest", ...(flag === undefined ? [] : [flag])], { env });
    expect([status, stderr]).toEqual([125, expect.stringContaining("disk.raw is not in the store, and nothing may be fetched offline")]);
  });
});

describe("image ls --format json", () => {
  test("tells what was verified of each image, and who signed it", async () => {
    const line = commandLine();
    const digest = { algorithm: "sha256", hex: "0".repeat(64) } as const;
    const image = await store(line.paths, "Debian", [{ what: "download", digest }, { what: "signature", by: "Debian abcd", over: "checksums" }]);
    const [shown] = JSON.parse((await line.run(["image", "ls", "--format", "json"])).stdout) as { Id: string; Origins: { Verified: unknown }[] }[];
    expect([shown?.Id, shown?.Origins[0]?.Verified]).toEqual([image.id, [
      { What: "download", Digest: `sha256:${digest.hex}`, By: null, Over: null }, { What: "signature", Digest: null, By: "Debian abcd", Over: "checksums" },
    ]]);
  });
});

describe("image prune", () => {
  test("asks, naming what would go; no answer but a yes removes anything", async () => {
    const line = commandLine();
    const image = await store(line.paths, "Debian");
    const question = `The following images are used by no machine and will be removed:\n\n${image.id.slice(0, 12)}  Debian, 4KiB\n\nAre you sure you want to continue? [y/N] `;
    expect(await line.run(["image", "prune"], { input: "n\n" })).toEqual({ status: 0, stdout: question, stderr: "" });
    expect(existsSync(join(line.paths.store, image.id))).toBe(true);
    expect(await line.run(["image", "prune"], { input: "y\n" })).toEqual({ status: 0, stdout: `${question}${image.id}\nTotal reclaimed space: 4KiB\n`, stderr: "" });
    expect(existsSync(join(line.paths.store, image.id))).toBe(false);
  });

  test("with --json asks on stderr, and answers on stdout", async () => {
    const line = commandLine();
    const image = await store(line.paths, "Debian");
    const { stdout, stderr } = await line.run(["image", "prune", "--json"], { input: "y\n" });
    expect(JSON.parse(stdout)).toEqual({ Removed: [image.id], ReclaimedBytes: 4096 });
    expect(stderr).toContain("Are you sure");
  });
});

describe("image rm", () => {
  test("takes the beginning of an id; --force is no way around a machine that needs it", async () => {
    const line = commandLine();
    const [spare, needed] = [await store(line.paths, "Debian"), await store(line.paths, "Fedora")];
    use(line, "web", needed);
    expect(await line.run(["image", "rm", spare.id.slice(0, 8)])).toEqual({ status: 0, stdout: `${spare.id}\n`, stderr: "" });
    expect(await line.run(["image", "rm", "--force", needed.id])).toMatchObject({ status: 125, stderr: `Error: the image ${needed.id.slice(0, 12)} (Fedora) is in use by web\nhint: Remove those machines first.\n` });
  });
});

describe("an image that somebody else put into the store", () => {
  test.each<[string, (folder: string) => void]>([
    ["by a link", (folder) => { renameSync(folder, `${folder}.away`); symlinkSync(`${folder}.away`, folder); }],
    // Without root nothing can be given away.
    ["by a folder of its own", (folder) => { if (process.getuid?.() === 0) chownSync(folder, 61_234, 61_234); else { renameSync(folder, `${folder}.away`); symlinkSync(`${folder}.away`, folder); } }],
  ])("(%s) is used by nobody, and told", async (_, plant) => {
    const line = commandLine();
    const { id } = await store(line.paths, "Debian");
    plant(join(line.paths.store, id));
    expect((await line.run(["image", "ls"])).stderr).toBe(`Warning: the image ${id.slice(0, 12)} is damaged: ${join(line.paths.store, id)} was put there by somebody else; \`glowplug doctor\` tells what to do\n`);
    expect(readImage(line.paths.store, id)).toBeUndefined();
    expect(await findImage(line.paths.store, () => true)).toBeUndefined();
    expect((await line.run(["image", "prune", "--force"])).stdout).toBe("Total reclaimed space: 0B\n");
    expect(await line.run(["image", "rm", id.slice(0, 12)])).toMatchObject({ status: 0 });
  });
});

describe("an image whose image.json is damaged", () => {
  test.each<[string, (file: string) => void, string]>([
    ["cut off", (file) => writeFileSync(file, readFileSync(file).subarray(0, 40)), "cannot be read"], ["gone", (file) => rmSync(file), "is gone"],
    ["of another shape", (file) => writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, "utf8")) as object), origins: [null] })), "cannot be read"],
  ])("(%s) is shown, told, verified as damaged, removed and pruned like any other", async (_, spoil, what) => {
    const line = commandLine();
    const [good, bad] = [await store(line.paths, "Debian"), await store(line.paths, "Fedora")];
    const file = join(line.paths.store, bad.id, "image.json");
    spoil(file);
    const short = bad.id.slice(0, 12);
    const { stdout, stderr } = await line.run(["image", "ls"]);
    expect(stdout.split("\n").slice(2, 3).map((row) => row.split(/ {2,}/).slice(0, 3))).toEqual([[short, "damaged", expect.stringMatching(/^\d+KiB$/)]]);
    expect(stderr).toBe(`Warning: the image ${short} is damaged: ${file} ${what}; \`glowplug doctor\` tells what to do\n`);
    expect(JSON.parse((await line.run(["image", "ls", "--json"])).stdout)).toMatchObject([{ Id: good.id }, { Id: bad.id, Title: "damaged", Origins: [], UsedBy: [] }]);
    expect(await line.run(["image", "verify"])).toMatchObject({ status: 125, stdout: `${good.id.slice(0, 12)} is whole\n`, stderr: expect.stringContaining(`the image ${short} is damaged: ${file} ${what}\n`) as string });

    use(line, "web", bad);
    expect(await line.run(["image", "rm", short])).toMatchObject({ status: 125, stderr: `Error: the image ${short} is in use by web\nhint: Remove those machines first.\n` });
    const doctor = JSON.parse((await line.run(["doctor", "--json"])).stdout) as { Checks: { Findings: { Id: string; What: string; Fix: string }[] }[] };
    expect(doctor.Checks.flatMap(({ Findings }) => Findings).filter(({ Id }) => Id === "image-unreadable")).toMatchObject([{ What: `nobody knows what the image ${short} is: ${file} ${what}; web stands on it`, Fix: "Bring the very same image in again: glowplug image pull" }]);
    use(line, "web", good);
    expect((await line.run(["doctor"])).stdout).toContain(`fix: glowplug image rm ${short}\n`);
    expect(await line.run(["image", "rm", short])).toMatchObject({ status: 0, stdout: `${bad.id}\n` });
    expect(existsSync(join(line.paths.store, bad.id))).toBe(false);

    spoil(join(line.paths.store, (await store(line.paths, "Arch")).id, "image.json"));
    expect((await line.run(["image", "prune", "--force"])).stdout).toMatch(/^[0-9a-f]{64}\nTotal reclaimed space: \d+KiB\n$/);
    expect(JSON.parse((await line.run(["image", "ls", "--json"])).stdout)).toMatchObject([{ Id: good.id }]);
  });

  test("is good again once the same disk is brought in", async () => {
    const line = commandLine();
    const { id } = await store(line.paths, "Debian");
    writeFileSync(join(line.paths.store, id, "image.json"), "{");
    await store(line.paths, "Debian");
    expect(await line.run(["image", "verify"])).toMatchObject({ status: 0, stdout: `${id.slice(0, 12)} is whole\n` });
  });
});

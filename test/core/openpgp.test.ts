import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { checkDetached, readClearSigned } from "../../core/openpgp.ts";
import type { TrustedKey, VerifiedSignature } from "../../core/signature.ts";
import { makeSigner, type TestSigner } from "../support/signer.ts";

let publisher: TestSigner;
let stranger: TestSigner;
beforeAll(async () => {
  [publisher, stranger] = await Promise.all([makeSigner("publisher"), makeSigner("stranger")]);
});
afterEach(() => void vi.useRealTimers());

const url = "https://images.test/disk.sig";
const bytes = randomBytes(300_000);
async function check(signature: Buffer, keys: readonly TrustedKey[], pieces: readonly Uint8Array[] = [bytes]): Promise<VerifiedSignature> {
  const going = await checkDetached(signature, { url, keys }, "the disk");
  for (const piece of pieces) await going.write(piece);
  return going.end();
}
const by = (signer: TestSigner) => ({ url, fingerprint: signer.key.fingerprint, owner: signer.key.owner, signed: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) });

test("a good detached signature tells who signed, whatever pieces the file comes in", async () => {
  const signature = await publisher.sign(bytes);
  const pieces = Array.from({ length: 30 }, (_, index) => bytes.subarray(index * 10_000, (index + 1) * 10_000));
  expect(await check(signature, [publisher.key])).toEqual(by(publisher));
  expect(await check(signature, [stranger.key, publisher.key], pieces)).toEqual(by(publisher));
});

test("a binary signature is as good as an armored one, and an empty file can be signed", async () => {
  const armored = (await publisher.sign(bytes)).toString("utf8");
  const body = armored.split("\n\n")[1]?.split("\n=")[0] ?? "";
  expect(await check(Buffer.from(body, "base64"), [publisher.key])).toEqual(by(publisher));
  expect(await check(await publisher.sign(Buffer.alloc(0)), [publisher.key], [])).toEqual(by(publisher));
});

test.each<[string, () => Promise<VerifiedSignature>, string, readonly RegExp[]]>([
  ["by another key", async () => check(await stranger.sign(bytes), [publisher.key]), "the disk is not signed by its publisher", [/^by an unknown key [0-9a-f]{16}: /]],
  ["of other bytes", async () => check(await publisher.sign(randomBytes(100)), [publisher.key]), "the disk is not signed by its publisher", [/^by publisher <publisher@images.test>: .*digest did not match/]],
  ["of more bytes than came", async () => check(await publisher.sign(bytes), [publisher.key], [bytes.subarray(1)]), "the disk is not signed by its publisher", [/digest did not match/]],
  ["that is a text", () => check(Buffer.from("hello"), [publisher.key]), `${url} is no OpenPGP signature`, [/./]],
  ["that is empty", () => check(Buffer.alloc(0), [publisher.key]), `${url} is no OpenPGP signature`, [/./]],
])("a signature %s is refused", async (_, make, message, details) => {
  await expect(make()).rejects.toMatchObject({ code: "signature", message, details: details.map((detail) => expect.stringMatching(detail) as unknown), hint: expect.stringContaining(url) });
});

test("a signature by a key that has expired is refused, also one that the key made in its time", async () => {
  const late = await makeSigner("late", { expired: true });
  await expect(check(await late.sign(bytes), [late.key])).rejects.toMatchObject({ code: "signature", details: [expect.stringMatching(/^by late <late@images.test>: its key expired on \d{4}-\d\d-\d\d$/)] });
});

test("a key block must hold the key that is trusted", async () => {
  const key = { ...publisher.key, fingerprint: stranger.key.fingerprint };
  await expect(check(await publisher.sign(bytes), [key])).rejects.toMatchObject({
    code: "signature", message: `the key block of ${publisher.key.owner} holds another key: expected fingerprint ${stranger.key.fingerprint}, found ${publisher.key.fingerprint}`,
  });
  await expect(check(await publisher.sign(bytes), [{ ...publisher.key, armored: "hello" }])).rejects.toMatchObject({ code: "signature", message: `the key of ${publisher.key.owner} cannot be read` });
});

test("a clear-signed text comes without its armor, and not at all when a word of it was changed", async () => {
  const signed = await publisher.clearSign("a\n- b\n");
  expect(await readClearSigned(signed, url, [publisher.key])).toEqual({ text: "a\n- b\n", signature: by(publisher) });
  const changed = Buffer.from(signed.toString("utf8").replace(/\na(?=\r?\n)/, "\nc"));
  await expect(readClearSigned(changed, url, [publisher.key])).rejects.toMatchObject({ code: "signature", message: `${url} is not signed by its publisher` });
  await expect(readClearSigned(Buffer.from("a\n"), url, [publisher.key])).rejects.toMatchObject({ code: "signature", message: `${url} is no clear-signed text` });
});

const debian = join(import.meta.dirname, "../fixtures/debian-release");
const debianKey: TrustedKey = { armored: readFileSync(join(debian, "key.asc"), "utf8"), fingerprint: "05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0", owner: "Debian Security Archive Automatic Signing Key (12/bookworm) <ftpmaster@debian.org>" };

test("a real publisher's release file is believed for one of its two signatures, by a key beneath the one that is trusted", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-11-22T00:00:00Z") });
  const release = readFileSync(join(debian, "InRelease"));
  const { text, signature } = await readClearSigned(release, url, [debianKey]);
  expect(signature).toEqual({ url, fingerprint: debianKey.fingerprint.toLowerCase(), owner: debianKey.owner, signed: "2026-11-21T00:53:03.000Z" });
  expect([text.split("\n")[0], text.includes("PGP"), text.includes(" main/Contents-") || text.includes(" updates/main/")]).toEqual(["Origin: Debian", false, true]);
  const changed = Buffer.from(release.toString("utf8").replace("Version: 12", "Version: 13"));
  await expect(readClearSigned(changed, url, [debianKey])).rejects.toMatchObject({ code: "signature" });
});

test("a large file is checked in little memory", () => {
  const script = `
    import { checkDetached } from ${JSON.stringify(join(import.meta.dirname, "../../core/openpgp.ts"))};
    import { makeSigner } from ${JSON.stringify(join(import.meta.dirname, "../support/signer.ts"))};
    const signer = await makeSigner("publisher");
    const check = await checkDetached(await signer.sign(new Uint8Array(1)), { url: "u", keys: [signer.key] }, "x");
    globalThis.gc(); const before = process.memoryUsage().rss; let most = 0;
    for (let turn = 0; turn < 6400; turn += 1) { await check.write(new Uint8Array(65536)); if (turn % 64 === 0) most = Math.max(most, process.memoryUsage().rss - before); }
    await check.end().catch(() => {}); console.log(Math.round(most / 2 ** 20));`;
  const grown = Number(execFileSync(process.execPath, ["--expose-gc", "--import", "tsx", "--input-type=module", "-e", script], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
  expect(grown).toBeLessThan(120); // of 400 MiB
});

import { afterEach, beforeEach, expect, test } from "vitest";
import { fetchSigned } from "../../core/signed-text.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun } from "../support/run.ts";
import { makeSigner, type TestSigner } from "../support/signer.ts";
import { startWeb, type TestWeb } from "../support/web.ts";

const sums = "abcd  disk.qcow2\n";
let folder: TestFolder;
let web: TestWeb;
let publisher: TestSigner;
beforeEach(async () => {
  folder = makeTestFolder();
  web = await startWeb();
  publisher = await makeSigner("publisher");
  const [beside, around] = [await publisher.sign(Buffer.from(sums)), await publisher.clearSign(sums)];
  web.answers["/SHA256SUMS"] = (_, response) => response.end(sums);
  web.answers["/SHA256SUMS.gpg"] = (_, response) => response.end(beside);
  web.answers["/CHECKSUM"] = (_, response) => response.end(around);
});
afterEach(async () => {
  await web.close();
  folder.remove();
});
const run = (offline = false) => makeTestRun(folder, { env: {} }, { offline });
const signed = (url: string) => ({ url, fingerprint: publisher.key.fingerprint, owner: publisher.key.owner, signed: expect.stringMatching(/^\d{4}-/) });

test("a text with its signature beside it is given with who signed it", async () => {
  const at = (name: string): string => `${web.address}/${name}`;
  expect(await fetchSigned(at("SHA256SUMS"), { signature: at("SHA256SUMS.gpg"), keys: [publisher.key] }, run())).toEqual({ text: sums, source: { url: at("SHA256SUMS"), signature: signed(at("SHA256SUMS.gpg")) } });
  expect(await fetchSigned(at("CHECKSUM"), { keys: [publisher.key] }, run())).toEqual({ text: sums, source: { url: at("CHECKSUM"), signature: signed(at("CHECKSUM")) } });
});

test("offline it is read from the copies that were kept, and checked again", async () => {
  const ask = (offline: boolean, keys = [publisher.key]) => fetchSigned(`${web.address}/SHA256SUMS`, { signature: `${web.address}/SHA256SUMS.gpg`, keys }, run(offline));
  await expect(ask(true)).rejects.toMatchObject({ code: "offline", message: `${web.address}/SHA256SUMS was not fetched before, and nothing may be fetched offline` });
  await ask(false);
  web.asked.length = 0;
  expect((await ask(true)).text).toBe(sums);
  expect(web.asked).toEqual([]);
  await expect(ask(true, [(await makeSigner("stranger")).key])).rejects.toMatchObject({ code: "signature" });
});

test("a text that its signature does not fit is refused, and so is one whose signature is missing", async () => {
  web.answers["/SHA256SUMS"] = (_, response) => response.end(`${sums}more\n`);
  const options = { signature: `${web.address}/SHA256SUMS.gpg`, keys: [publisher.key] };
  await expect(fetchSigned(`${web.address}/SHA256SUMS`, options, run())).rejects.toMatchObject({ code: "signature", message: `${web.address}/SHA256SUMS is not signed by its publisher` });
  await expect(fetchSigned(`${web.address}/SHA256SUMS`, { ...options, signature: `${web.address}/gone` }, run())).rejects.toMatchObject({
    code: "signature", message: `${web.address}/SHA256SUMS is to be signed, and its signature is missing: ${web.address}/gone could not be fetched: the server answered 404`, hint: expect.stringContaining("Nothing of it is used"),
  });
});

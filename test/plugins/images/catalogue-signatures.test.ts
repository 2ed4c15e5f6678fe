import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CloudImageOptions, FetchImage, ImageQuery, ImageSource } from "glowplug";
import { ask, fetchText } from "../../../core/download.ts";
import { foreignHost } from "../../../core/host.ts";
import { fetchSigned } from "../../../core/signed-text.ts";
import almalinux from "../../../plugins/images/almalinux.ts";
import fedoraCloud from "../../../plugins/images/fedora-cloud.ts";
import opensuseLeap from "../../../plugins/images/opensuse-leap.ts";
import ubuntu from "../../../plugins/images/ubuntu.ts";
import { makeTestFolder, type TestFolder } from "../../support/folders.ts";
import { publisherFolders, publishers } from "../../support/publishers.ts";
import { makeTestRun } from "../../support/run.ts";
import { makeSigner, type TestSigner } from "../../support/signer.ts";
import { startWeb, type TestWeb } from "../../support/web.ts";

/** Where each publisher's list of checksums lies, and its signature: beside it, or around it. */
const signed: readonly { readonly name: string; readonly make: (options: CloudImageOptions) => ImageSource; readonly list: string; readonly beside?: string }[] = [
  { name: "almalinux", make: almalinux, list: "/10.2/cloud/aarch64/images/CHECKSUM", beside: ".asc" },
  { name: "fedora-cloud", make: fedoraCloud, list: "/releases/44/Cloud/aarch64/images/Fedora-Cloud-44-1.7-aarch64-CHECKSUM" },
  { name: "opensuse-leap", make: opensuseLeap, list: "/leap/16.0/appliances/Leap-16.0-Minimal-VM.aarch64-Cloud-Build18.7.qcow2.sha256", beside: ".asc" },
  { name: "ubuntu", make: ubuntu, list: "/releases/resolute/release-20260720/SHA256SUMS", beside: ".gpg" },
];

describe.each(signed)("the list of checksums of $name", ({ name, make, list, beside }) => {
  let folder: TestFolder;
  let web: TestWeb;
  let publisher: TestSigner;
  beforeAll(async () => {
    publisher = await makeSigner("publisher");
  });
  beforeEach(async () => {
    folder = makeTestFolder();
    web = await startWeb();
    const base = publisherFolders[name] ?? "";
    for (const [address, text] of Object.entries(publishers[name] ?? {})) if (address.startsWith(base)) web.answers[`/${address.slice(base.length)}`] = (_, response) => response.end(text);
    await signBy(publisher);
  });
  afterEach(async () => {
    await web.close();
    folder.remove();
  });

  const text = (): string => publishers[name]?.[`${publisherFolders[name]}${list.slice(1)}`] ?? "";
  const signature = beside === undefined ? list : `${list}${beside}`;
  async function signBy(signer: TestSigner): Promise<void> {
    const bytes = beside === undefined ? await signer.clearSign(text()) : await signer.sign(Buffer.from(text()));
    web.answers[signature] = (_, response) => response.end(bytes);
  }
  function locate(options: CloudImageOptions = { keys: [publisher.key] }): Promise<FetchImage> {
    const [run, host] = [makeTestRun(folder, { env: {} }), foreignHost("darwin/arm64")];
    const query: ImageQuery = {
      host, arch: host.arch, platforms: ["qemu"], formats: ["qcow2", "raw"], folder: folder.path,
      fetchText: (url) => fetchText(url, run), fetchSigned: (url, which) => fetchSigned(url, which, run), ask: (url, which) => ask(url, run, which),
    };
    return Promise.resolve(make({ url: web.address, ...options }).locate(query)) as Promise<FetchImage>;
  }

  it("is believed by its signature, and the image says by whom", async () => {
    const { checksums, digest } = await locate();
    expect(checksums).toEqual({ url: `${web.address}${list}`, signature: { url: `${web.address}${signature}`, fingerprint: publisher.key.fingerprint, owner: publisher.key.owner, signed: expect.stringMatching(/^\d{4}-/) } });
    expect(text()).toContain(digest === "waived" ? "" : digest.hex);
  });

  it("is not believed when somebody else signed it, whoever it is", async () => {
    await expect(locate({})).rejects.toMatchObject({ code: "signature", message: `${web.address}${list} is not signed by its publisher`, hint: expect.stringContaining(`${web.address}${signature}`) });
    await signBy(await makeSigner("stranger"));
    await expect(locate()).rejects.toMatchObject({ code: "signature", message: `${web.address}${list} is not signed by its publisher` });
  });

  it("is not believed when the key has expired", async () => {
    const late = await makeSigner("late", { expired: true });
    await signBy(late);
    await expect(locate({ keys: [late.key] })).rejects.toMatchObject({ code: "signature", details: [expect.stringContaining("its key expired on")] });
  });

  it("is not believed when its signature is missing or is a page", async () => {
    web.answers[signature] = (_, response) => response.end("<html>Log in</html>");
    await expect(locate()).rejects.toMatchObject({ code: "signature", message: `${web.address}${signature} is no ${beside === undefined ? "clear-signed text" : "OpenPGP signature"}` });
    delete web.answers[signature];
    await expect(locate()).rejects.toMatchObject({ code: beside === undefined ? "download" : "signature", message: expect.stringContaining(`${web.address}${signature} could not be fetched: the server answered 404`) });
  });
});

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findLogin } from "../../../../plugins/images/oci/credentials.ts";
import { hostOf, type HostParts } from "../../../fixtures/hosts.ts";
import { makeTestFolder, type TestFolder } from "../../../support/folders.ts";

let folder: TestFolder;
beforeEach(() => (folder = makeTestFolder()));
afterEach(() => folder.remove());

const auth = (user: string, password = "pw") => ({ auth: Buffer.from(`${user}:${password}`).toString("base64") });
function write(path: string, content: unknown): string {
  const whole = join(folder.path, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, typeof content === "string" ? content : JSON.stringify(content));
  return whole;
}
/** Who the user is, in the files below this home; nothing of this host's own shows. */
const find = (image: string, { authFile, ...parts }: HostParts & { readonly authFile?: string } = {}) => {
  const [registry = "", ...names] = image.split("/");
  return findLogin({ host: hostOf("darwin/arm64", { home: folder.path, ...parts }), registry, repository: names.join("/"), ...(authFile !== undefined && { authFile }) });
};
const docker = ".docker/config.json";
const podman = ".config/containers/auth.json";

describe("a login in a file", () => {
  it.each<[string, Record<string, object>, string, string | undefined]>([
    ["for the registry", { "quay.io": auth("a") }, "quay.io/podman/machine-os", "a"],
    ["for what the image is in", { "quay.io": auth("a"), "quay.io/podman": auth("b") }, "quay.io/podman/machine-os", "b"],
    ["for the image itself", { "quay.io/podman": auth("b"), "quay.io/podman/machine-os": auth("c") }, "quay.io/podman/machine-os", "c"],
    ["for another image alone", { "quay.io/podman/other": auth("a"), "quay.io/pod": auth("b") }, "quay.io/podman/machine-os", undefined],
    ["for another registry", { "example.org": auth("a") }, "quay.io/x", undefined],
    ["with a port", { "127.0.0.1:5000": auth("a"), "127.0.0.1": auth("b") }, "127.0.0.1:5000/x", "a"],
    ["in docker's words for its hub", { "https://index.docker.io/v1/": auth("a") }, "docker.io/library/x", "a"],
    ["in podman's words for docker's hub", { "docker.io/library": auth("a") }, "docker.io/library/x", "a"],
    ["by a whole address", { "https://quay.io": auth("a") }, "quay.io/x", "a"],
    ["without a password", { "quay.io": auth("a", ""), "quay.io/x": {} }, "quay.io/x", undefined],
    ["as an identity token", { "quay.io": auth("<token>") }, "quay.io/x", undefined],
  ])("%s", async (_, auths, image, user) => {
    const from = write(podman, { auths });
    expect(await find(image)).toEqual(user === undefined ? undefined : { user, password: "pw", from });
  });

  it("may have colons in its password", async () => {
    write(podman, { auths: { "quay.io": auth("a", "p:w:") } });
    expect(await find("quay.io/x")).toMatchObject({ password: "p:w:" });
  });

  it("is podman's before docker's, and docker's where podman has none", async () => {
    write(docker, { auths: { "quay.io": auth("docker"), "ghcr.io": auth("docker") } });
    write(podman, { auths: { "quay.io": auth("podman") } });
    expect([(await find("quay.io/x"))?.user, (await find("ghcr.io/x"))?.user]).toEqual(["podman", "docker"]);
  });

  it("is looked for in an authFile alone, where one is named", async () => {
    write(podman, { auths: { "quay.io": auth("podman"), "ghcr.io": auth("podman") } });
    const authFile = write("mine.json", { auths: { "quay.io": auth("mine") } });
    expect([(await find("quay.io/x", { authFile }))?.user, await find("ghcr.io/x", { authFile })]).toEqual(["mine", undefined]);
  });

  it("is nobody's on another host", async () => {
    write(podman, { auths: { "quay.io": auth("a") } });
    expect(await find("quay.io/x", { local: false })).toBeUndefined();
  });

  it("that is no JSON is an error without its text", async () => {
    const path = write(docker, "auths: secret");
    await expect(find("quay.io/x")).rejects.toMatchObject({ code: "bad-config", plugin: "oci", message: `${path} holds no logins: expected a JSON object, found something else` });
  });

  it("that is named and not there is an error", async () => {
    await expect(find("quay.io/x", { authFile: "/nowhere/auth.json" })).rejects.toMatchObject({ code: "not-found", message: "the authFile /nowhere/auth.json cannot be read" });
  });
});

describe("a program that keeps passwords", () => {
  const programs = { "docker-credential-box": "/bin/docker-credential-box" };
  const answer = (stdout: string, exitCode = 0) => ({ programs, answers: { "/bin/docker-credential-box get": { stdout, exitCode } } });

  it.each<[string, object, string, object | undefined]>([
    ["for a registry comes before the file's entry", { credHelpers: { "quay.io": "box" }, auths: { "quay.io": auth("file") } }, '{"Username":"box","Secret":"pw"}', { user: "box", password: "pw" }],
    ["for all registries is asked", { credsStore: "box" }, '{"ServerURL":"quay.io","Username":"box","Secret":"pw"}', { user: "box", password: "pw" }],
    ["with an identity token has none", { credsStore: "box" }, '{"Username":"<token>","Secret":"x"}', undefined],
    ["for another registry is left alone", { credHelpers: { "ghcr.io": "box" } }, '{"Username":"box","Secret":"pw"}', undefined],
    ["that is not installed is left alone", { credsStore: "none" }, "", undefined],
    ["whose name is a path is left alone", { credsStore: "../box" }, "", undefined],
    ["that answers in prose has none", { credsStore: "box" }, "locked", undefined],
  ])("%s", async (_, config, stdout, expected) => {
    const from = write(docker, config);
    expect(await find("quay.io/x", answer(stdout))).toEqual(expected && { ...expected, from });
  });

  it("that fails has none", async () => {
    write(docker, { credsStore: "box" });
    expect(await find("quay.io/x", answer('{"Username":"a","Secret":"b"}', 1))).toBeUndefined();
  });

  it("is told the registry, and docker's hub by its old address", async () => {
    write(docker, { credsStore: "box" });
    for (const [registry, input] of [["quay.io", "quay.io"], ["docker.io", "https://index.docker.io/v1/"]] as const) {
      const host = hostOf("darwin/arm64", { home: folder.path, ...answer("{}") });
      await findLogin({ host, registry, repository: "x" });
      expect(host.asked).toEqual([`/bin/docker-credential-box get < ${JSON.stringify(input)}`]);
    }
  });
});

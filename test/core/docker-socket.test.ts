import { readlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { claimDockerSocket, planDockerClaim, type DockerClaim } from "../../core/docker-socket.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";

let folder: TestFolder;
let claim: DockerClaim;
beforeEach(() => {
  folder = makeTestFolder();
  claim = { link: join(folder.path, "data/podman.sock"), helper: join(folder.path, "helper.sock") };
});
afterEach(() => folder.remove());

/** A program that answers on a socket, as podman's helper does. */
async function listen(path: string, answer: string): Promise<string[]> {
  const heard: string[] = [];
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      heard.push(bytes.toString());
      socket.end(answer);
    });
  });
  await new Promise<void>((done) => server.listen(path, done));
  onTestFinished(() => void server.close());
  return heard;
}

it("docker.sock can be claimed on a Mac that has podman's helper, and nowhere else", () => {
  const plist = "/Library/LaunchDaemons/com.github.containers.podman.helper-me.plist";
  const mac = { os: "darwin" as const, home: "/Users/me", firstFile: ([first]: readonly string[]) => (first === plist ? first : undefined) };
  expect(planDockerClaim(mac, folder.paths)).toEqual({ link: join(folder.paths.podman.machineData, "podman.sock"), helper: "/private/var/run/podman-helper-me.socket" });
  expect(planDockerClaim({ ...mac, os: "linux" }, folder.paths)).toBeUndefined();
  expect(planDockerClaim({ ...mac, firstFile: () => undefined }, folder.paths)).toBeUndefined();
});

it("the helper is asked in its words, with its link leading to the machine", async () => {
  const heard = await listen(claim.helper, "OK");
  expect(await claimDockerSocket(claim, "/run/web/podman.sock")).toBe(true);
  expect([heard, readlinkSync(claim.link)]).toEqual([["GO\n"], "/run/web/podman.sock"]);
  expect(await claimDockerSocket(claim, "/run/web/podman.sock")).toBe(true);
});

it("a helper that refuses, or is not there, makes no link of docker.sock", async () => {
  expect(await claimDockerSocket(claim, "/run/web/podman.sock")).toBe(false);
  await listen(claim.helper, "NO");
  expect(await claimDockerSocket(claim, "/run/web/podman.sock")).toBe(false);
});

it("a machine that runs keeps docker.sock; one that does not loses it", async () => {
  await listen(claim.helper, "OK");
  const other = join(folder.path, "other.sock");
  expect(await claimDockerSocket(claim, other)).toBe(true);
  const mine = join(folder.path, "mine.sock");
  expect(await claimDockerSocket(claim, mine)).toBe(true);
  await listen(mine, "");
  expect(await claimDockerSocket(claim, other)).toBe(false);
  expect(readlinkSync(claim.link)).toBe(mine);
});

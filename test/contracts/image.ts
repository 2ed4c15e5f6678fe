import assert from "node:assert/strict";
import { isAbsolute, join } from "node:path";
import { isMachineError, type BuildImage, type FetchImage, type ImageQuery, type ImageSource, type LocatedImage } from "glowplug";
import { checkPlugin } from "../../core/plugin-check.ts";
import { networkOf } from "../support/network.ts";
import { check, type ContractCheck } from "./check.ts";
import { namedHosts, type NamedHost } from "./hosts.ts";
import { checkedCommand, plain } from "./plain.ts";
import { inSandbox, withoutEffects, type Sandbox } from "./sandbox.ts";
import { checkInside } from "./words.ts";

export interface ImageContractOptions {
  /** Where the image is wanted; for at least one of them it must be there. Default: Linux and macOS, each on amd64 and arm64. */
  readonly hosts?: readonly NamedHost[];
  /** What the network says: texts by their address. Whatever is not here is not found. Default: nothing is. */
  readonly texts?: Readonly<Record<string, string>>;
}

/** What every image source promises. `make` is called for each check. */
export function imageContract(make: () => ImageSource, { hosts, texts = {} }: ImageContractOptions = {}): readonly ContractCheck[] {
  const wherever = (work: (image: ImageSource, query: ImageQuery, where: string, sandbox: Sandbox) => Promise<void> | void) => async (): Promise<void> => {
    const refusals: string[] = [];
    for (const { name, host } of namedHosts(hosts)) {
      await inSandbox(async (sandbox) => {
        const query: ImageQuery = {
          host, arch: host.arch, platforms: host.os === "darwin" ? ["applehv", "qemu"] : ["qemu"], formats: ["qcow2", "raw"], folder: sandbox.folder, ...networkOf(texts),
        };
        const refusal = await refusalOf(make(), query, name);
        if (refusal === undefined) await work(make(), query, `${make().name} for ${name}`, sandbox);
        else refusals.push(`${name}: ${refusal}`);
      });
    }
    assert.ok(refusals.length < namedHosts(hosts).length, `${make().name} is there for none of the hosts: ${refusals.join("; ")}`);
  };
  return [
    check("has the shape of an image source", () => assert.deepEqual(checkPlugin(make(), "image", "image"), [])),
    check("declares the guest's first-boot language and its login user", () => {
      assert.match(make().firstBoot, /^(ignition|cloud-init)$/, "firstBoot");
      assert.match(make().user, /^[a-z_][\w-]*$/, "user: expected a user's name");
    }),
    check("says where the disk comes from", wherever(async (image, query, where) => checkLocated(await image.locate(query), where))),
    check("says the same when it is asked again, whichever instance is asked", wherever(async (image, query, where) => {
      const first = seen(await image.locate(query));
      assert.deepEqual(seen(await image.locate(query)), first, `${where}: a second answer differs`);
      assert.deepEqual(seen(await make().locate(query)), first, `${where}: the answer of another instance differs`);
    })),
    check("gives each asker an answer of his own, which a hook may change", wherever(async (image, query, where) => {
      const first = await image.locate(query);
      const before = seen(first);
      if (first.kind === "fetch") Object.assign(first, { url: "https://mirror.invalid/disk", digest: "waived" });
      else if (first.kind === "local") first.path = "/elsewhere";
      assert.deepEqual(seen(await image.locate(query)), before, `${where}: what a hook changed is still there for the next`);
    })),
    check("locates without writing, starting, listening or fetching by itself", wherever(async (image, query, where, sandbox) => {
      await withoutEffects(sandbox, `locate() of ${where}`, () => withoutNetwork(`locate() of ${where}`, () => image.locate(Object.freeze(query))));
    })),
    check("describes a build by steps that depend on its key and the paths alone", wherever(async (image, query, where, sandbox) => {
      const located = await image.locate(query);
      if (located.kind === "build") await checkBuild(located, (await make().locate(query)) as BuildImage, where, sandbox);
    })),
  ];
}

/** Why an image is not there for a host; undefined where it is. Throws for a reason that is no MachineError, or that the network would have known. */
async function refusalOf(image: ImageSource, query: ImageQuery, name: string): Promise<string | undefined> {
  try {
    await image.locate(query);
    return undefined;
  } catch (error) {
    assert.ok(isMachineError(error), `${image.name} for ${name}: expected a MachineError, found ${String(error)}`);
    if (error.code === "download") throw error;
    return error.message;
  }
}

function checkLocated(located: LocatedImage, where: string): void {
  assert.ok(typeof located.title === "string" && located.title !== "", `${where}: title: expected words for people`);
  switch (located.kind) {
    case "fetch": return checkFetch(located, where);
    case "local":
      assert.ok(isAbsolute(located.path), `${where}: path: expected an absolute one, found ${located.path}`);
      return;
    case "build":
      assert.match(located.key, /\S/, `${where}: key`);
      assert.match(located.format, /^(qcow2|raw)$/, `${where}: format`);
      for (const program of located.needs) assert.match(program, /^(\/|[^/]+$)/, `${where}: needs: expected a program's name or absolute path`);
      return;
    default: assert.fail(`${where}: kind: expected fetch, local or build, found ${JSON.stringify((located as { kind: unknown }).kind)}`);
  }
}

function checkFetch({ url, mirrors = [], digest, resultDigest, format, compression, size }: FetchImage, where: string): void {
  for (const address of [url, ...mirrors]) assert.match(address, /^https?:\/\/./, `${where}: expected an http or https address, found ${address}`);
  for (const one of [digest, resultDigest]) {
    if (one === undefined || one === "waived") continue;
    assert.match(one.hex, one.algorithm === "sha256" ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{128}$/, `${where}: digest: expected a lower-case ${one.algorithm}`);
  }
  assert.match(format, /^(qcow2|raw|vmdk|vhdx)$/, `${where}: format`);
  assert.match(compression, /^(none|gz|xz|zst|bz2|zip)$/, `${where}: compression`);
  assert.ok(size === undefined || (Number.isSafeInteger(size) && size > 0), `${where}: size: expected bytes, found ${size}`);
}

async function checkBuild(located: BuildImage, again: BuildImage, where: string, sandbox: Sandbox): Promise<void> {
  const paths = { scratch: join(sandbox.folder, "scratch"), output: join(sandbox.folder, `out.${located.format}`) };
  const { files, commands } = await withoutEffects(sandbox, `steps() of ${where}`, () => located.steps(paths));
  assert.ok(commands.length > 0, `${where}: expected a command that builds it`);
  const lines = commands.map((command, index) => checkedCommand(command, `${where}: command ${index}`));
  assert.ok(JSON.stringify([lines, files]).includes(paths.output), `${where}: no step names the output ${paths.output}`);
  for (const { path } of files) checkInside(path, [paths.scratch], `${where}: a file of the build`);
  assert.deepEqual(plain(again.steps(paths), "steps"), plain({ files, commands }, "steps"), `${where}: the steps of another instance differ, with the same key`);
}

/** An answer as plain data; of a build, with its steps for some paths. */
function seen(located: LocatedImage): unknown {
  if (located.kind !== "build") return plain(located, "image");
  const { steps, ...rest } = located;
  return plain({ ...rest, steps: steps({ scratch: "/scratch", output: "/output" }) }, "image");
}

/** An image reads the network through its query alone, which knows proxies and limits. */
async function withoutNetwork<T>(who: string, work: () => Promise<T> | T): Promise<T> {
  const before = globalThis.fetch;
  globalThis.fetch = () => Promise.reject(new Error(`${who} called fetch(): read an index through query.fetchText()`));
  try {
    return await work();
  } finally {
    globalThis.fetch = before;
  }
}

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenWhat } from "../../core/layers.ts";
import { openMachine } from "../../core/open.ts";
import { saveSpec } from "../../core/spec.ts";
import type { ValueSource } from "../../core/spec-types.ts";
import { writeRecord } from "../../core/store.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { sampleRecord } from "../support/record.ts";
import { makeTestRun } from "../support/run.ts";

let folder: TestFolder;
beforeEach(() => {
  folder = makeTestFolder();
});
afterEach(() => folder.remove());

function put(path: string, text: string): string {
  const whole = join(folder.path, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
  return whole;
}
/** What is said in each place; a place that says nothing is left out. */
interface Said {
  readonly conf?: string;
  readonly user?: string;
  readonly project?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: { readonly cpus?: number; readonly name?: string };
  readonly overImage?: OpenWhat["overImage"];
  readonly name?: string;
}
async function specOf({ conf = "", user, project, env = {}, flags, overImage, name }: Said) {
  const confs = [put("containers.conf", conf)];
  if (user !== undefined) put("config_home/glowplug/config.yaml", user);
  if (project !== undefined) put("machine.yaml", project);
  const run = makeTestRun(folder, { cpus: 16, memory: 2 ** 36 });
  const paths = { ...folder.paths, podman: { ...folder.paths.podman, confs } };
  return (await openMachine({ ...(flags && { flags }), ...(overImage && { overImage }), ...(name !== undefined && { name }) }, { ...run, host: run.host, env, paths })).spec();
}

function made(changes: object, sources: Record<string, ValueSource>, overrides = {}): Promise<void> {
  const record = sampleRecord(folder.paths, "web", { overrides });
  return writeRecord(folder.paths, { ...record, spec: { ...record.spec, image: "fcos", provisioner: "ignition", launcher: "qemu", forwarder: "slirp", ...changes, sources } });
}

describe("settings come in this order, later ones win:", () => {
  const order: readonly [ValueSource, Said, number][] = [
    ["containers.conf", { conf: "[machine]\ncpus = 1\n" }, 1], ["user config", { user: "cpus: 2\n" }, 2], ["config", { project: "cpus: 3\nname: web\n" }, 3],
    ["environment", { env: { GLOWPLUG_CPUS: "5" } }, 5], ["flag", { flags: { cpus: 6 } }, 6],
  ];
  it.each(order.map(([source, , value], index) => [source, value, Object.assign({}, ...order.slice(0, index + 1).map(([, said]) => said)) as Said] as const))("%s", async (source, value, said) => {
    const { cpus, sources } = await specOf(said);
    expect([cpus, sources["cpus"]]).toEqual([value, source]);
  });

  it("what was set, above the config and beneath the environment", async () => {
    await made({}, {}, { cpus: 4 });
    const said = { ...order[0]?.[1], ...order[1]?.[1], name: "web" };
    expect(await specOf(said)).toMatchObject({ cpus: 4, sources: { cpus: "set" } });
    expect(await specOf({ ...said, env: { GLOWPLUG_CPUS: "5" } })).toMatchObject({ cpus: 5, sources: { cpus: "environment" } });
  });
});

describe("settings of the host", () => {
  it("say nothing of what a machine was made of, where others said it", async () => {
    await made({}, {});
    const spec = saveSpec(await specOf({ name: "web", conf: '[machine]\nimage = "debian-bootstrap"\nuser = "ada"\nmemory = 512\nprovider = "applehv"\n', env: { GLOWPLUG_IMAGE: "debian-bootstrap" } }));
    expect(spec).toMatchObject({ image: "fcos", user: "core", launcher: "qemu", memory: 512 * 2 ** 20 });
  });

  it("go on to say what a machine was made of by them", async () => {
    await made({ image: "debian-bootstrap", launcher: "qemu" }, { image: "containers.conf", launcher: "containers.conf" });
    const spec = saveSpec(await specOf({ name: "web", conf: '[machine]\nimage = "debian-bootstrap"\n' }));
    expect(spec).toMatchObject({ image: "debian-bootstrap", launcher: "qemu", sources: { image: "containers.conf", launcher: "containers.conf" } });
  });
});

it("the command line may say of an image how to take it, whoever named the image", async () => {
  const overImage: OpenWhat["overImage"] = (image) => (image === "docker://127.0.0.1:5000/disk" ? ["debian-bootstrap", { packages: ["said"] }] : undefined);
  const said = { conf: '[machine]\nimage = "docker://127.0.0.1:5000/disk"\n', overImage };
  expect(await specOf(said)).toMatchObject({ image: { name: "debian-bootstrap" }, sources: { image: "flag" } });
  expect(await specOf({ ...said, project: "image: fcos\nname: web\n" })).toMatchObject({ image: { name: "fcos" }, sources: { image: "config" } });
});

it("a mistake is told with the place that says it", async () => {
  await expect(specOf({ conf: "[machine]\ncpus = 99\n" })).rejects.toMatchObject({ message: `${join(folder.path, "containers.conf")}:2: cpus: requested number of CPUs (99) greater than number of host CPUs (16)` });
  await expect(specOf({ conf: "[machine]\ncpus = 9\n", env: { GLOWPLUG_CPUS: "98" } })).rejects.toMatchObject({ message: "GLOWPLUG_CPUS: cpus: requested number of CPUs (98) greater than number of host CPUs (16)" });
});

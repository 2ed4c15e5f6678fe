import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { machineTableLayers } from "../../../core/spec/machine-table.ts";
import { makeTestFolder, type TestFolder } from "../../support/folders.ts";
import { makeTestRun } from "../../support/run.ts";

let folder: TestFolder;
beforeEach(() => {
  folder = makeTestFolder();
});
afterEach(() => folder.remove());

/** The layers of files with these texts, in this order. */
function layersOf(texts: readonly string[], env: Record<string, string> = {}) {
  const confs = texts.map((text, index) => {
    const path = join(folder.path, `${index}.conf`);
    writeFileSync(path, text);
    return path;
  });
  const run = makeTestRun(folder, { home: "/home/me" });
  return machineTableLayers({ ...run, host: run.host, env, paths: { ...run.paths, podman: { ...run.paths.podman, confs, namedConfs: [] } } });
}
const said = async (...texts: string[]): Promise<object> => Object.assign({}, ...(await layersOf(texts)).map(({ spec }) => spec));

describe("the [machine] table of containers.conf", () => {
  it("is a layer of defaults, in podman's units", async () => {
    expect(await said(`[machine]
cpus = 4
disk_size = 20 # GiB
memory = 4096
image = "docker://quay.io/podman/machine-os:5.6"
user = "ada"
volumes = ["$HOME:$HOME", "/srv:/srv:ro"]
provider = "qemu"
rosetta = true
import_native_ca = true
`)).toEqual({
      cpus: 4, disk: "20GiB", memory: "4096MiB", image: "docker://quay.io/podman/machine-os:5.6", user: "ada", volumes: ["/home/me:/home/me", "/srv:/srv:ro"], launcher: "qemu", importNativeCa: true,
    });
  });

  it("is a layer a file, with the file's name and the lines of its keys", async () => {
    const layers = await layersOf(["[machine]\ncpus = 1\n", "# nothing\n", "[machine]\n\nmemory = 512\ncpus = 2\n"]);
    expect(layers.map(({ source, where, spec }) => [source, where, spec])).toEqual([
      ["containers.conf", join(folder.path, "0.conf"), { cpus: 1 }], ["containers.conf", join(folder.path, "2.conf"), { cpus: 2, memory: "512MiB" }],
    ]);
    expect(["cpus", "memory", "disk"].map((field) => layers[1]?.lineOf?.(field))).toEqual([4, 3, undefined]);
  });

  it.each([["stable", "fcos:stable"], ["next", "fcos:next"], ["/images/d.qcow2", "/images/d.qcow2"], ["debian-bootstrap", "debian-bootstrap"]])("names the image %s", async (image, expected) => {
    expect(await said(`[machine]\nimage = "${image}"\n`)).toEqual({ image: expected });
  });

  it("leaves to the default what is zero or empty", async () => {
    expect(await said('[machine]\ncpus = 0\nmemory = 0\nimage = ""\nprovider = ""\nuser = ""\n')).toEqual({});
  });

  it("lets volumes of a later file take the place of earlier ones, or add to them; an empty list means none", async () => {
    expect(await said('[machine]\nvolumes = ["/a:/a"]', '[machine]\nvolumes = ["/b:/b"]')).toEqual({ volumes: ["/b:/b"] });
    expect(await said('[machine]\nvolumes = ["/a:/a"]', '[machine]\nvolumes = ["/b:/b", {append=true}]')).toEqual({ volumes: ["/a:/a", "/b:/b"] });
    expect(await said('[machine]\nvolumes = ["/a:/a"]', "[machine]\nvolumes = []")).toEqual({ volumes: [] });
  });

  it("is refused with file and line where it is no TOML", async () => {
    await expect(layersOf(["[machine]\ncpus = \n"])).rejects.toMatchObject({ code: "bad-config", message: expect.stringMatching(/\/0\.conf:2: /) as string });
  });

  it("is refused with every mistake, each with its line", async () => {
    await expect(layersOf(['[machine]\ncpus = "two"\n\nmemory = -1\nvolumes = "x"\nimport_native_ca = 1\n'])).rejects.toMatchObject({
      code: "bad-config", message: `${join(folder.path, "0.conf")} has 4 mistakes`, details: [
        'line 2: machine.cpus: expected a whole number, found "two"', "line 4: machine.memory: expected a whole number of MiB, found -1",
        'line 5: machine.volumes: expected a list of strings, found "x"', "line 6: machine.import_native_ca: expected true or false, found 1",
      ],
    });
    await expect(layersOf(["machine = 1\n"])).rejects.toMatchObject({ message: `${join(folder.path, "0.conf")}:1: machine: expected a table, found 1` });
  });
});

describe("podman's provider", () => {
  it.each([["qemu", "qemu"], ["QEMU", "qemu"], ["applehv", "vfkit"], ["libkrun", "vfkit"]])("%s is the launcher %s, from the file and from CONTAINERS_MACHINE_PROVIDER", async (provider, launcher) => {
    expect(await said(`[machine]\nprovider = "${provider}"\n`)).toEqual({ launcher });
    expect(await layersOf([], { CONTAINERS_MACHINE_PROVIDER: provider })).toEqual([{ source: "environment", spec: { launcher }, where: "CONTAINERS_MACHINE_PROVIDER" }]);
  });

  it("of the environment takes the place of the file's, right or wrong", async () => {
    expect((await layersOf(['[machine]\nprovider = "nonsense"\ncpus = 2\n'], { CONTAINERS_MACHINE_PROVIDER: "qemu" })).map(({ spec }) => spec)).toEqual([{ cpus: 2 }, { launcher: "qemu" }]);
  });

  it.each([["bochs", "CONTAINERS_MACHINE_PROVIDER: unknown VMType `bochs`"], ["wsl", "CONTAINERS_MACHINE_PROVIDER: unsupported virtualization provider: `wsl`"]])("%s is refused in podman's words", async (provider, message) => {
    await expect(layersOf([], { CONTAINERS_MACHINE_PROVIDER: provider })).rejects.toMatchObject({ code: "usage", message, hint: "The providers are qemu, applehv, libkrun." });
  });

  it("in a file is refused with its line", async () => {
    await expect(layersOf(['[machine]\nprovider = "bochs"\n'])).rejects.toMatchObject({ message: `${join(folder.path, "0.conf")}:2: unknown VMType \`bochs\`` });
  });
});

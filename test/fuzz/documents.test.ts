import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { machinesIn } from "../../core/config/machines.ts";
import { parseConfig } from "../../core/config/parse.ts";
import { confBook } from "../../core/connections/conf-book.ts";
import { jsonBook } from "../../core/connections/json-book.ts";
import { readImage } from "../../core/image-store.ts";
import { readPodmanMachine } from "../../core/import/podman-machine.ts";
import { parseRecord } from "../../core/record-text.ts";
import { checkSpec } from "../../core/spec.ts";
import { editToml } from "../../core/toml/edit.ts";
import { parseToml } from "../../core/toml/parse.ts";
import { readUserConfig } from "../../core/user-config.ts";
import { makeTestFolder } from "../support/folders.ts";
import { fuzz, mutatedJson, mutatedText, mutatedValue, patienceMs } from "../support/fuzz.ts";

const file = "/etc/file";

test("records of machines", async () => {
  const sample = JSON.parse(readFileSync(new URL("../fixtures/records/1.json", import.meta.url), "utf8")) as { name: string };
  await fuzz(mutatedJson([sample]), (text) => expect(parseRecord(text, sample.name, file).name).toBe(sample.name));
}, patienceMs);

test("configs in YAML and JSON, down to each field of a spec", async () => {
  const { path, remove } = makeTestFolder();
  onTestFinished(remove);
  const samples = [
    "name: web\ncpus: 2\nmemory: 2GiB\nports:\n  - 8080:80\n  - hostPort: 1\n    guestPort: 2\nvolumes: ['/srv:/srv:ro']\nfiles:\n  - path: /etc/motd\n    content: |\n      hi\nguestPorts: loopback\n",
    "web:\n  image: [fcos, { stream: next }]\n  rootful: true\ndb: &db {run: ['echo x'], timezone: local}\n", "- name: a\n- name: b\n  sockets: [{host: /a, guest: /b}]\n",
  ];
  const yaml = mutatedText(samples, ["&a ", "*a", "<<: ", "!!binary ", "? ", "- ", ": ", "|\n", ">-\n", "---\n", "%YAML 1.1\n", "{a: ", "[", "__proto__: ", "plugins: [x]\n"]);
  const json = mutatedJson([{ name: "web", cpus: 2, ports: ["8080:80", { hostPort: 1, guestPort: 2 }], units: [{ name: "a.service", content: "[Service]" }] }, [{ name: "a" }, { name: "b" }]]);
  await fuzz(fc.oneof(yaml.map((text) => ({ name: "m.yaml", text })), json.map((text) => ({ name: "m.json", text }))), async ({ name, text }) => {
    const at = join(path, name);
    writeFileSync(at, text);
    const { value, lineOf } = await parseConfig(at, name);
    for (const { spec, lineOf: its } of machinesIn(value, name, lineOf)) checkSpec(spec, name, its);
  });
}, patienceMs);

test("what a script exports", async () => {
  const samples = [{ name: "web", cpus: 2, memory: "2GiB", ports: ["8080:80"], volumes: [{ source: "/a", target: "/b" }], sockets: [{ host: "/a", guest: "/b" }], plugins: ["proxy", false], restart: "always", network: false }, { a: { cpus: 1 }, b: {} }];
  await fuzz(mutatedValue(samples), (value) => {
    for (const { spec } of machinesIn(value, "m.ts")) checkSpec(spec, "m.ts");
  });
}, patienceMs);

test("Ignition configs of the user's", async () => {
  await fuzz(mutatedJson([{ ignition: { version: "3.3.0" }, storage: { files: [{ path: "/etc/a", contents: { source: "data:,x" } }] } }]), (text) => void readUserConfig(file, text, { firstBoot: "ignition", name: "ignition" }));
}, patienceMs);

test("podman's connections in JSON", async () => {
  const sample = { Connection: { Default: "web", Connections: { web: { URI: "ssh://core@127.0.0.1:1/run/podman/podman.sock", Identity: "/k", IsMachine: true } } }, Farm: {} };
  await fuzz(mutatedJson([sample]), async (text) => {
    await jsonBook.read(text, file);
    const next = await jsonBook.change(text, { remove: ["web"], put: { box: { uri: "ssh://x" } }, default: "box" }, file);
    expect((await jsonBook.read(next, file)).connections["box"]?.uri).toBe("ssh://x");
  });
}, patienceMs);

const conf = '[engine]\nactive_service = "web" # mine\nhelper_binaries_dir = ["/a", {append = true}]\n\n[engine.service_destinations.web]\n  uri = "ssh://core@127.0.0.1:1/run/podman/podman.sock"\n  identity = "/k"\n[machine]\ncpus = 2\nvolumes = ["/srv:/srv"]\n';
const tomlWords = ["[engine]", "[[a]]", '"""', "'''", " = ", "{", "}", "#", "\\u0000", "1979-05-27", "inf", "a.b.c = 1\n", "[engine.service_destinations]\n"];

test("podman's connections and settings in containers.conf", async () => {
  await fuzz(mutatedText([conf], tomlWords), async (text) => {
    await confBook.read(text, file);
    const next = await confBook.change(text, { remove: ["web"], put: { box: { uri: "ssh://x" } }, default: "box" }, file);
    expect((await confBook.read(next, file)).connections["box"]?.uri).toBe("ssh://x");
  });
}, patienceMs);

test("TOML, and changes to its text", async () => {
  await fuzz(mutatedText([conf, 'a = 1\nb = [1, 2,\n 3]\n[c]\nd = {e = "f"}\n'], tomlWords), async (text) => {
    await parseToml(text, file);
    await editToml(text, [{ path: ["engine", "active_service"], value: "box" }], file);
  });
}, patienceMs);

test("records of podman machine", async () => {
  const four = { Rootful: false, UID: 1000, ImagePath: { Path: "/d/d.qcow2" }, Mounts: [{ ReadOnly: false, Source: "/a", Target: "/b" }], Name: "old", CPUs: 1, DiskSize: 1, Memory: 512, IdentityPath: "/k", Port: 39003, RemoteUsername: "core", CmdLine: ["x"], LastUp: "2026-11-28T19:56:59Z" };
  const five = { HostUser: { Rootful: true, UID: 1000 }, Name: "web", Version: 1, Mounts: [], Resources: { CPUs: 4, DiskSize: 100, Memory: 2048 }, SSH: { IdentityPath: "/k", Port: 40022, RemoteUsername: "core" }, ImagePath: { Path: "/d/x.qcow2" }, QEMUHypervisor: {} };
  await fuzz(mutatedJson([four, five]), (text) => expect(readPodmanMachine(text, "qemu", file).ssh.port).toBeGreaterThan(0));
}, patienceMs);

test("what the store says of an image", async () => {
  const { path, remove } = makeTestFolder();
  onTestFinished(remove);
  const id = "0".repeat(64);
  const at = join(path, id, "image.json");
  mkdirSync(dirname(at));
  const sample = { version: 1, id, format: "qcow2", size: 1, virtualSize: 2, modified: 3, added: "2026-01-01T00:00:00Z", origins: [{ source: "file", title: "a", origin: "/a", verified: [] }] };
  await fuzz(mutatedJson([sample]), (text) => {
    writeFileSync(at, text);
    const image = readImage(path, id);
    if (image) expect(image.id).toBe(id);
  }, { always: "taken" });
}, patienceMs);

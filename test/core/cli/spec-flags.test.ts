import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseFlags } from "../../../core/cli/flags.ts";
import { specFlags, specOf } from "../../../core/cli/spec-flags.ts";
import { foreignHost } from "../../../core/host.ts";
import { silentReport, type Report } from "../../../core/run.ts";
import { scratchFolder } from "../../fixtures/login.ts";

function spec(cwd: string, ...argv: string[]): object {
  return specIn({ cwd, report: silentReport }, ...argv);
}
function specIn(run: { readonly cwd: string; readonly report: Report }, ...argv: string[]): object {
  return specOf(parseFlags(specFlags, argv, { program: "glowplug init" }).flags, { ...run, host: foreignHost("linux/amd64"), env: { GLOWPLUG_X: "/x" } });
}

test.each<[string[], object]>([
  [[], {}],
  [["--cpus", "4", "-m", "4096", "--disk-size", "20"], { cpus: 4, memory: "4096MiB", disk: "20GiB" }],
  [["--username", "me", "--rootful", "--timezone", "UTC"], { user: "me", rootful: true, timezone: "UTC" }],
  [["-s", "512", "--playbook", "site.yml", "--ignition-path=/box.ign", "--import-native-ca"], { swap: "512MiB", playbook: "/here/site.yml", ignitionPath: "/box.ign", importNativeCa: true }],
  [["--swap", "0", "--usb", "bus=1,devnum=2", "--usb", "vendor=1d6b,product=0002"], { swap: "0MiB", usb: ["bus=1,devnum=2", "vendor=1d6b,product=0002"] }],
  [["--usb", ""], { usb: [] }],
  [["--rootful=false"], { rootful: false }],
  [["-v", "$HOME:/home", "-v", "data", "-v", "/a:/b:ro", "-v", "${GLOWPLUG_X}/y"], { volumes: ["/home/user:/home", "/here/data", "/a:/b:ro", "/x/y"] }],
  [["-v", ""], { volumes: [] }],
  [["-v", "$UNKNOWN/a"], { volumes: ["/here/$UNKNOWN/a"] }],
  [["--launcher", "qemu", "--forwarder", "./f.ts", "--plugin", "/p.ts", "--plugin", "some-package"], { launcher: "qemu", forwarder: "/here/f.ts", plugins: ["/p.ts", "some-package"] }],
  [["-p", "8080:80", "--publish", "127.0.0.2:1:2/udp"], { ports: ["8080:80", "127.0.0.2:1:2/udp"] }],
  [["--image", "debian"], { image: "debian" }],
  [["--image", "https://images.test/a.qcow2"], { image: "https://images.test/a.qcow2" }],
  [["--image", "https://images.test/a.qcow2", "--image-digest", "sha256:ab"], { image: ["file", { url: "https://images.test/a.qcow2", digest: "sha256:ab" }] }],
  [["--image", "https://images.test/a.qcow2", "--insecure-no-digest"], { image: ["file", { url: "https://images.test/a.qcow2", digest: "waived" }] }],
  [["--image", "../a.qcow2"], { image: "/a.qcow2" }],
])("%j", (argv, expected) => {
  expect(spec("/here", ...argv)).toEqual(expected);
});

test.each(["stable", "testing", "next"])("podman 4's word for a stream, %s, is the default image's", (stream) => {
  expect(spec("/here", "--image", stream)).toEqual({ image: `fcos:${stream}` });
});

test("an option of a volume that nobody knows is told and left out, as podman does", () => {
  const told: string[] = [];
  const run = { cwd: "/here", report: { ...silentReport, warn: (line: string) => void told.push(line) } };
  expect(specIn(run, "-v", "/a:/b:Z,ro", "-v", "/c:/d:security_model=none")).toEqual({ volumes: ["/a:/b:ro", "/c:/d:security_model=none"] });
  expect(told).toEqual(["Unknown option: Z"]);
});

test("a word that is a file here is an image's path, a folder of that name is not", () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "mine.qcow2"), "");
  mkdirSync(join(folder, "debian"));
  expect(spec(folder, "--image", "mine.qcow2")).toEqual({ image: join(folder, "mine.qcow2") });
  expect(spec(folder, "--image", "debian")).toEqual({ image: "debian" });
});

test("a checksum without an address is a mistake", () => {
  expect(() => spec("/here", "--image", "debian", "--image-digest", "sha256:ab")).toThrow("--image-digest goes with an image's address");
  expect(() => spec("/here", "--insecure-no-digest")).toThrow("--insecure-no-digest goes with an image's address");
});

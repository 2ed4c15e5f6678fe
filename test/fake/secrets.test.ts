import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, onTestFinished } from "vitest";
import { startRegistry, startTokenService } from "../fixtures/registry.ts";
import { convertDisk, writeRawDisk } from "../support/disks.ts";
import { machineOs } from "../support/oci-image.ts";
import { filesBelow, processesOf, World } from "../support/world.ts";

let world: World;
afterEach(async () => world.close());

it("keys, passwords and tokens stand in no command line, no environment, no output, no log and no other file, through the whole life of a machine", async () => {
  world = new World({});
  const { folder, env } = world;
  rmSync(join(folder, "bin/qemu-img")); // the real one looks into disks that were fetched
  const machine = join(folder, "data/glowplug/machines/box");
  const login = { user: "me", password: randomBytes(12).toString("hex") };
  const basic = Buffer.from(`${login.user}:${login.password}`).toString("base64");
  const image = await guardedImage(login);
  writeFileSync(join(folder, "work/auth.json"), JSON.stringify({ auths: { [image.split("/")[2] ?? ""]: { auth: basic } } }), { mode: 0o600 });
  world.write("box.ts", `export default { image: ["oci", { url: ${JSON.stringify(image)}, authFile: "auth.json" }], disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "gvproxy",
  files: [{ path: "/etc/motd", content: "hi" }], beforeBoot() {}, afterStart() {} };\n`);
  env["https_proxy"] = `http://proxy-user:${login.password}@127.0.0.1:9`;

  const said: string[] = [];
  const running: string[] = [];
  const glowplug = async (...argv: string[]): Promise<void> => {
    const trace = join(folder, "work", `trace-${said.length}.json`);
    const { code, stdout, stderr } = await world.glowplug("--log-level", "debug", "--trace", trace, ...argv);
    expect(code, `glowplug ${argv.join(" ")}\n${stderr}`).toBe(argv[0] === "start" ? 125 : 0);
    said.push(stdout, stderr);
    running.push(...linesOf(folder));
  };
  await glowplug("plan", "--json", "./box.ts");
  await glowplug("up", "./box.ts");
  const keys = [readFileSync(join(machine, "id_ed25519"), "utf8"), hostKeyIn(join(machine, "ignition.json"))];
  for (const argv of [["plan", "--json", "box"], ["inspect", "box"], ["list", "--format", "json"], ["exec", "box", "true"], ["port", "ls", "box"], ["ssh-config", "box"], ["env", "box"], ["start", "box"]]) await glowplug(...argv);
  for (const log of ["serial", "keeper", "forwarder", "vm"]) await glowplug("logs", "box", log);
  await glowplug("events", "--since", "1h", "--stream=false", "--json", "box");
  await glowplug("restart", "box");
  await glowplug("image", "ls", "--json");
  await glowplug("stop", "box");

  const keyLines = keys.flatMap((key) => key.split("\n").filter((line) => line !== "" && !line.startsWith("-----")));
  expect(keyLines.length).toBeGreaterThan(8);
  // The first line of any key in this format is the same, and holds the public half alone.
  const secrets = [...keyLines.filter((line) => keyLines.indexOf(line) === keyLines.lastIndexOf(line)), "PRIVATE KEY", login.password, basic, jwt];
  const holders = ["id_ed25519", "ignition.json"].map((name) => join(machine, name)).concat(join(folder, "work/auth.json"));
  const found = (text: string): readonly string[] => secrets.filter((secret) => text.includes(secret));

  expect(said.flatMap(found)).toEqual([]);
  expect(running.length).toBeGreaterThan(10);
  expect(running.flatMap(found)).toEqual([]);
  expect((world.fakes?.calls() ?? []).flatMap(({ argv }) => found(argv.join(" ")))).toEqual([]);
  const files = filesBelow(folder).filter((path) => lstatSync(path).isFile() && !path.startsWith(join(folder, "registry")));
  expect(files.some((path) => path.endsWith("trace-2.json")) && files.some((path) => path.endsWith("events.jsonl"))).toBe(true);
  for (const path of files) expect(found(readFileSync(path, "latin1")), path).toEqual(holders.includes(path) ? expect.anything() : []);
});

/** How the head of a token of the test's service begins. */
const jwt = Buffer.from('{"typ":"JWT"').toString("base64url").slice(0, -1);

/** An image that is given to nobody else. */
async function guardedImage(login: { readonly user: string; readonly password: string }): Promise<string> {
  const scratch = join(world.folder, "registry");
  mkdirSync(scratch);
  const tokens = await startTokenService(scratch, login);
  onTestFinished(() => tokens.close());
  const registry = await startRegistry(scratch, tokens);
  onTestFinished(() => registry.close());
  const [raw, qcow2] = [join(scratch, "disk.raw"), join(scratch, "disk.qcow2")];
  writeRawDisk(raw, { size: 64 * 2 ** 20 });
  convertDisk(raw, qcow2, "qcow2");
  await registry.push("private/machine-os", "5.6", machineOs(execFileSync("zstd", ["-c", "-q"], { input: readFileSync(qcow2) })));
  return `docker://${registry.host}/private/machine-os:5.6`;
}

/** Command lines and environments of what runs there. The test's own environment is in all of them, and is no secret of the machine's. */
function linesOf(folder: string): readonly string[] {
  return processesOf(folder).map((line) => `${line}\n${environmentOf(Number.parseInt(line, 10))}`);
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

function hostKeyIn(path: string): string {
  const files = (JSON.parse(readFileSync(path, "utf8")) as { storage: { files: readonly { path: string; contents?: { source?: string } }[] } }).storage.files;
  const { source = "" } = files.find((file) => /ssh_host_ed25519_key$/.test(file.path))?.contents ?? {};
  const text = decodeURIComponent(source.replace(/^data:[^,]*,/, ""));
  return source.includes(";base64,") ? Buffer.from(text, "base64").toString() : text;
}

import { chmodSync, copyFileSync, cpSync, lchownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRoot, ordinaryUser } from "../support/other-user.ts";
import { run, unpackedTool, World, type Ended } from "../support/world.ts";

/** A machine that the host's own podman made and ran, of an ordinary user: podman machine is nothing for root. */
describe("a machine of podman machine's", () => {
  let world: World;
  const inWorld = (...parts: string[]): string => join(world.folder, ...parts);
  const config = (ending: string): string => inWorld("home/.config/containers/podman/machine/qemu", `old.${ending}`);
  const theirs = (): unknown[] => [config("json"), config("ign"), inWorld("home/.ssh/old"), ...readdirSync(inWorld("home/.local/share/containers/podman/machine/qemu"), { withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))]
    .map((path) => [path, statSync(path).mtimeMs, statSync(path).size, statSync(path).blocks]);

  /** As that user, who stands in a passwd of his own: podman and ssh-keygen look him up. */
  function asUser(program: string, ...argv: string[]): Promise<Ended> {
    const env: NodeJS.ProcessEnv = { ...world.env, HOME: inWorld("home"), CONTAINERS_HELPER_BINARY_DIR: inWorld("bin") };
    for (const name of ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"]) delete env[name];
    const how = { env, cwd: inWorld("work"), limitMs: 900_000 };
    return isRoot
      ? run("bwrap", ["--dev-bind", "/", "/", "--ro-bind", inWorld("passwd"), "/etc/passwd", "setpriv", `--reuid=${ordinaryUser}`, `--regid=${ordinaryUser}`, "--clear-groups", "--", program, ...argv], how)
      : run(program, argv, how);
  }
  async function podman(...argv: string[]): Promise<string> {
    const ended = await asUser("podman", ...argv);
    expect(ended.code, `podman ${argv.join(" ")}\n${ended.stdout}${ended.stderr}`).toBe(0);
    return ended.stdout;
  }
  async function glowplug(...argv: string[]): Promise<string> {
    const ended = await asUser(process.execPath, inWorld("program/glowplug.js"), ...argv);
    expect(ended.code, `glowplug ${argv.join(" ")}\n${ended.stdout}${ended.stderr}`).toBe(0);
    return ended.stdout;
  }
  function own(folder: string): void {
    if (!isRoot) return;
    lchownSync(folder, ordinaryUser, ordinaryUser);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) own(join(folder, entry.name));
      else lchownSync(join(folder, entry.name), ordinaryUser, ordinaryUser);
    }
  }

  beforeAll(async () => {
    world = new World();
    for (const name of ["home", "bin"]) mkdirSync(inWorld(name), { mode: 0o700 });
    cpSync(resolve(import.meta.dirname, "../../dist"), inWorld("program"), { recursive: true });
    copyFileSync(unpackedTool("gvproxy"), inWorld("bin/gvproxy"));
    chmodSync(inWorld("bin/gvproxy"), 0o755);
    writeFileSync(inWorld("passwd"), `${readFileSync("/etc/passwd", "utf8")}me:x:${ordinaryUser}:${ordinaryUser}::${inWorld("home")}:/bin/sh\n`);
    writeFileSync(inWorld("config/containers.conf"), `[engine]\nhelper_binaries_dir = ["${inWorld("bin")}"]\n`);
    const { Path: image = "" } = JSON.parse(await world.ok("image", "pull", "--json", "debian-bootstrap")) as { Path?: string };
    copyFileSync(image, inWorld("work/guest.qcow2"));
    chmodSync(inWorld("work/guest.qcow2"), 0o600);
    own(world.folder);

    // A zone must be named, since podman asks the host's timedatectl else.
    await podman("machine", "init", "--timezone", "Europe/Paris", "--image-path", inWorld("work/guest.qcow2"), "--cpus", "2", "--memory", "1024", "--disk-size", "6", "--volume", `${inWorld("home")}:/mnt/home`, "old");
    // podman asks for KVM, which is not everywhere, and takes its guest for Fedora CoreOS: no time zone yet, sudo for core, and virtio_console at hand.
    writeFileSync(config("json"), readFileSync(config("json"), "utf8").replace('"kvm"', '"tcg"').replace(/"host"(?=,?\n)/, '"max"').replace('"-accel"', '"-display",\n"none",\n"-accel"'));
    const ignition = JSON.parse(readFileSync(config("ign"), "utf8")) as { storage: { files: object[]; links: { path: string }[] }; systemd: { units: { name: string; contents?: string }[] } };
    ignition.storage.links = ignition.storage.links.filter(({ path }) => path !== "/etc/localtime");
    ignition.storage.files.push({ path: "/etc/sudoers.d/core", mode: 0o440, contents: { source: "data:,core%20ALL%3D(ALL)%20NOPASSWD:%20ALL%0A" } });
    ignition.systemd.units = ignition.systemd.units.filter(({ name }) => name !== "remove-moby.service");
    for (const unit of ignition.systemd.units) if (unit.name === "ready.service") unit.contents = unit.contents?.replace("ExecStart=", "ExecStartPre=/sbin/modprobe virtio_console\nExecStartPre=/usr/bin/udevadm settle\nExecStart=") ?? "";
    writeFileSync(config("ign"), JSON.stringify(ignition));
    await podman("machine", "start", "old");
    await podman("machine", "ssh", "old", "echo kept > kept; echo shared > /mnt/home/shared; mkdir -p ctx; cp /bin/busybox ctx/; printf 'FROM scratch\\nCOPY busybox /bin/busybox\\n' > ctx/Containerfile; podman build -q -t bb ctx; sync");
    await podman("machine", "stop", "old");
  });
  afterAll(async () => {
    await asUser(process.execPath, inWorld("program/glowplug.js"), "reset", "--force");
    await asUser("podman", "machine", "stop", "old");
    await world.close();
  });

  it("is taken over with what its guest holds, and podman's files stay as they are", async () => {
    const before = theirs();
    await glowplug("import", "old", "mine");
    const start = await asUser(process.execPath, inWorld("program/glowplug.js"), "start", "mine");
    expect(start).toMatchObject({ code: 0, stderr: expect.stringContaining("nobody knew the host key of mine yet") as string });
    expect(await glowplug("ssh", "mine", "cat kept; id -u; nproc; cat /mnt/home/shared")).toBe(`kept\n${isRoot ? ordinaryUser : process.getuid?.()}\n2\nshared\n`);
    expect(theirs()).toEqual(before);
  });

  it("runs the images that it had, through the host's podman", async () => {
    expect(await podman("--connection", "mine", "run", "--rm", "localhost/bb", "/bin/busybox", "echo", "from the old image")).toBe("from the old image\n");
  });

  it("is well, and has no unit that failed", async () => {
    expect(JSON.parse(await glowplug("inspect", "mine"))).toMatchObject([{ State: "running", Condition: "ok" }]);
    expect(await glowplug("ssh", "mine", "systemctl --failed --no-legend --plain")).toBe("");
  });
});

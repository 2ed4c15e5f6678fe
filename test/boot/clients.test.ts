import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { writePageImage } from "../support/page-image.ts";
import { type Ended, run, World } from "../support/world.ts";

/** What people do with containers, by the host's own docker, docker-compose and podman, in one real guest under gvproxy. */
describe("clients of the host", () => {
  let world: World;
  let env: NodeJS.ProcessEnv;
  const work = (...parts: string[]): string => join(world.folder, "work", ...parts);
  const docker = (...argv: string[]): Promise<Ended> => run("docker", argv, { env, cwd: work() });
  const ok = async (...argv: string[]): Promise<string> => {
    const ended = await docker(...argv);
    expect(ended.code, `docker ${argv.join(" ")}\n${ended.stdout}${ended.stderr}`).toBe(0);
    return ended.stdout;
  };
  const page = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();

  beforeAll(async () => {
    world = new World();
    mkdirSync(work("shared"));
    writeFileSync(work("shared/from-host"), "of the host\n");
    await world.ok("init", "--image", "debian-bootstrap", "--forwarder", "gvproxy", "--cpus", "2", "--disk-size", "10", "--volume", `${work("shared")}:/srv/shared`, "--now", "box");
    const lines = await world.ok("env", "box");
    const variables = Object.fromEntries([...lines.matchAll(/^export (\w+)='?([^'\n]*)'?$/gm)].map(([, name = "", value = ""]) => [name, value]));
    // The docker client that set-up unpacked, before any other.
    const client = join(world.folder, "data/glowplug/tools/docker/usr/bin");
    env = { ...world.env, ...variables, PATH: `${client}:${process.env["PATH"]}`, HOME: world.folder, DOCKER_BUILDKIT: "0" };
    writePageImage(world, "built by docker\n");
    copyFileSync(work("Containerfile"), work("Dockerfile"));
    await ok("build", "-t", "page", ".");
  });
  afterAll(() => world.close());

  it("docker knows the machine's engine", async () => {
    expect(await ok("info", "--format", "{{.OSType}} {{.Architecture}}")).toMatch(/^linux (amd64|x86_64)\n$/);
  });

  it("docker runs what it built, publishes it, and takes it away again", async () => {
    const port = await freePort();
    await ok("run", "-d", "--name", "web", "-p", `127.0.0.1:${port}:80`, "page");
    expect(await page(port)).toBe("built by docker\n");
    await ok("rm", "-f", "web");
    await vi.waitFor(() => expect(page(port)).rejects.toThrow(), { timeout: 30_000, interval: 500 });
  });

  it("docker copies files into a container and out of it", async () => {
    await ok("create", "--name", "copied", "page");
    await ok("cp", "index.html", "copied:/www/copy.html");
    await ok("cp", "copied:/www/copy.html", "back.html");
    expect(readFileSync(work("back.html"), "utf8")).toBe("built by docker\n");
    await ok("rm", "copied");
  });

  it("docker follows a container's log to its end", async () => {
    await ok("run", "-d", "--name", "counter", "page", "/bin/busybox", "sh", "-c", "for n in 1 2 3; do echo line $n; busybox sleep 1; done");
    expect(await ok("logs", "-f", "counter")).toBe("line 1\nline 2\nline 3\n");
    await ok("rm", "-f", "counter");
  });

  it("docker gives a terminal in a container", async () => {
    await ok("run", "-d", "--name", "shell", "page");
    // A size that no default is: docker tells it to podman once the process runs.
    const inContainer = "busybox tty; until [ \"$(busybox stty size)\" = \"41 123\" ]; do busybox sleep 1; done; echo 41 by 123; read answer; echo got $answer";
    const child = spawn("script", ["-qec", `stty rows 41 cols 123; docker exec -it shell /bin/busybox sh -c '${inContainer}'`, "/dev/null"], { env, cwd: work() });
    onTestFinished(() => void child.kill());
    let shown = "";
    child.stdout.on("data", (bytes: Buffer) => {
      const before = shown;
      shown += bytes.toString();
      if (!before.includes("41 by") && shown.includes("41 by")) child.stdin.write("yes\n");
    });
    expect(await new Promise((done) => child.once("close", done))).toBe(0);
    expect(shown).toMatch(/^\/dev\/pts\/\d+\r\n/m);
    expect(shown).toContain("got yes");
    expect(await docker("exec", "shell", "/bin/busybox", "sh", "-c", "exit 7")).toMatchObject({ code: 7 });
    await ok("rm", "-f", "shell");
  });

  it("docker keeps data in a named volume, from one container to the next", async () => {
    await ok("volume", "create", "kept");
    await ok("run", "--rm", "-v", "kept:/data", "page", "/bin/busybox", "sh", "-c", "echo stays > /data/file");
    expect(await ok("run", "--rm", "-v", "kept:/data", "page", "/bin/busybox", "cat", "/data/file")).toBe("stays\n");
    await ok("volume", "rm", "kept");
  });

  it("docker mounts a folder of the host that is a volume of the machine, both ways", async () => {
    expect(await ok("run", "--rm", "-v", "/srv/shared:/shared", "page", "/bin/busybox", "sh", "-c", "cat /shared/from-host; echo of the container > /shared/from-container")).toBe("of the host\n");
    expect(readFileSync(work("shared/from-container"), "utf8")).toBe("of the container\n");
  });

  it("docker-compose brings up two services that know each other by name, and takes them down", async () => {
    const port = await freePort();
    world.write("docker-compose.yml", `version: "3"
services:
  web:
    build: .
    ports: ["127.0.0.1:${port}:80"]
  asking:
    build: .
    depends_on: [web]
    command: ["/bin/busybox", "sh", "-c", "until busybox wget -qO- http://web/; do busybox sleep 1; done; exec busybox sleep 600"]
`);
    const compose = (...argv: string[]): Promise<Ended> => run("docker-compose", ["--no-ansi", "-p", "two", ...argv], { env, cwd: work() });
    const up = await compose("up", "-d", "--build");
    expect(up.code, up.stderr).toBe(0);
    expect(await page(port)).toBe("built by docker\n");
    await vi.waitFor(async () => expect((await compose("logs", "--no-color", "asking")).stdout).toContain("built by docker"), { timeout: 60_000, interval: 1000 });
    const down = await compose("down", "-t", "1");
    expect(down.code, down.stderr).toBe(0);
    expect(await ok("ps", "-a", "--format", "{{.Names}}")).toBe("");
  });

  it("podman does the same by the machine's connection", async () => {
    const podman = (...argv: string[]): Promise<Ended> => run("podman", ["--connection", "box", ...argv], { env: world.env, cwd: work() });
    const port = await freePort();
    expect(await podman("build", "-t", "again", work())).toMatchObject({ code: 0 });
    expect(await podman("run", "-d", "--name", "again", "-p", `127.0.0.1:${port}:80`, "again")).toMatchObject({ code: 0 });
    expect(await page(port)).toBe("built by docker\n");
    expect((await podman("ps", "--format", "{{.Names}}")).stdout).toBe("again\n");
    expect(await podman("exec", "again", "/bin/busybox", "cat", "/www/index.html")).toMatchObject({ code: 0, stdout: "built by docker\n" });
    expect(await podman("rm", "-f", "-t", "1", "again")).toMatchObject({ code: 0 });
  });
});

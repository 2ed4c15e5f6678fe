import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { environmentOfProcess, foreignHost, hostOfProcess, pathsOfHost, pathsOfProcess, settingsOfProcess } from "../../core/host.ts";
import { createPaths } from "../../core/paths.ts";
import { recordTrace } from "../support/trace.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glowplug-host-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function program(path: string, mode = 0o755): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "#!/bin/sh\n");
  chmodSync(file, mode);
  return file;
}
const pathsIn = (home: string) => createPaths({ os: "linux", uid: 1000, home, env: {}, isOwned: () => true });

describe("this host", () => {
  it("is told by facts that plans can be made from", () => {
    const host = hostOfProcess();
    expect(host).toMatchObject({ os: process.platform, local: true, uid: process.getuid?.(), gid: process.getgid?.() });
    expect(host.cpus).toBeGreaterThan(0);
    expect(host.memory).toBeGreaterThan(2 ** 28);
    expect(host.cpuFlags).toBe(host.cpuFlags);
    expect(() => Intl.DateTimeFormat("en", { timeZone: host.timezone })).not.toThrow();
  });

  it("takes the time zone from TZ where that names one, and does not believe it where it does not", () => {
    vi.stubEnv("TZ", "Europe/Rome");
    expect(hostOfProcess().timezone).toBe("Europe/Rome");
    vi.stubEnv("TZ", ":Asia/Tokyo");
    expect(hostOfProcess().timezone).toBe("Asia/Tokyo");
    vi.stubEnv("TZ", "../../etc/passwd");
    expect(hostOfProcess().timezone).not.toContain("passwd");
  });

  it("shows plugins proxies and certificate files, in both cases, and nothing else of the environment", () => {
    vi.stubEnv("https_proxy", "http://proxy:3128");
    vi.stubEnv("NO_PROXY", "localhost");
    vi.stubEnv("SSL_CERT_FILE", "/etc/ca.pem");
    vi.stubEnv("SECRET_TOKEN", "x");
    const { env } = hostOfProcess();
    expect(env).toMatchObject({ https_proxy: "http://proxy:3128", NO_PROXY: "localhost", SSL_CERT_FILE: "/etc/ca.pem" });
    expect(env).not.toHaveProperty("SECRET_TOKEN");
    expect(env).not.toHaveProperty("PATH");
  });

  it("reads settings from our variables and podman's alone", () => {
    vi.stubEnv("GLOWPLUG_CPUS", "4");
    vi.stubEnv("CONTAINERS_MACHINE_PROVIDER", "qemu");
    expect(settingsOfProcess()).toMatchObject({ GLOWPLUG_CPUS: "4", CONTAINERS_MACHINE_PROVIDER: "qemu" });
    expect(settingsOfProcess()).not.toHaveProperty("PATH");
    expect(environmentOfProcess()).toHaveProperty("PATH");
  });

  it("runs probes in the C locale, with input", async () => {
    const host = hostOfProcess();
    expect(await host.probe("/bin/sh", ["-c", "cat; echo $LC_ALL; exit 2"], { input: "hello\n" })).toEqual({ exitCode: 2, stdout: "hello\nC\n", stderr: "" });
  });

  it("tells a trace of the programs that it probes", async () => {
    const trace = recordTrace();
    await hostOfProcess(pathsIn(folder), trace).probe("/bin/sh", ["-c", ": secret"]);
    expect(trace.spans).toEqual([{ name: "sh", category: "child", fields: { pid: expect.any(Number) as number }, ended: true }]);
  });

  it("tells which of several files is there", () => {
    const file = program("firmware.fd");
    const host = hostOfProcess();
    expect(host.firstFile([join(folder, "absent"), file])).toBe(file);
    expect(host.firstFile([join(folder, "absent")])).toBeUndefined();
  });
});

describe("finding a program", () => {
  it("prefers the named folder, then our tools, then the plugin's folders, then PATH", () => {
    const paths = pathsIn(folder);
    const find = () => hostOfProcess(paths).find("gvproxy", { folders: [join(folder, "extra")] });
    vi.stubEnv("PATH", join(folder, "bin"));
    const found = [program("bin/gvproxy")];
    expect(find()).toBe(found[0]);
    found.push(program("extra/gvproxy"));
    expect(find()).toBe(found[1]);
    found.push(program(".local/share/glowplug/tools/gvproxy/usr/bin/gvproxy"));
    expect(find()).toBe(found[2]);
    found.push(program("named/gvproxy"));
    vi.stubEnv("CONTAINERS_HELPER_BINARY_DIR", join(folder, "named"));
    expect(find()).toBe(found[3]);
  });

  it("passes over what is no program", () => {
    vi.stubEnv("PATH", [join(folder, "a"), join(folder, "b"), join(folder, "c")].join(":"));
    program("a/tool", 0o644);
    mkdirSync(join(folder, "b/tool"), { recursive: true });
    const found = program("c/tool");
    expect(hostOfProcess(pathsIn(folder)).find("tool")).toBe(found);
  });

  it("takes an absolute path as it is, if a program is there", () => {
    const file = program("tool");
    expect(hostOfProcess(pathsIn(folder)).find(file)).toBe(file);
    expect(hostOfProcess(pathsIn(folder)).find(join(folder, "absent"))).toBeUndefined();
  });

  it("never looks where it happens to stand", () => {
    vi.stubEnv("PATH", `.:${join(folder, "bin")}:`);
    expect(hostOfProcess(pathsIn(folder)).find("package.json")).toBeUndefined();
    expect(hostOfProcess(pathsIn(folder)).find("no-such-program")).toBeUndefined();
  });
});

describe("a host elsewhere", () => {
  it.each([
    ["darwin/arm64", { os: "darwin", arch: "aarch64", uid: 501, home: "/Users/user", cpuFlags: [] }],
    ["macos/amd64", { os: "darwin", arch: "x86_64", uid: 501, home: "/Users/user" }],
    ["linux/aarch64", { os: "linux", arch: "aarch64", uid: 1000, home: "/home/user", cpuFlags: [] }],
    ["linux/x86_64", { os: "linux", arch: "x86_64", uid: 1000, cpuFlags: ["vmx"] }],
  ])("%s has the usual facts", (name, facts) => expect(foreignHost(name)).toMatchObject({ ...facts, local: false, timezone: "UTC", env: {} }));

  it.each(["windows/amd64", "linux", "linux/z80", "linux/amd64/v3", ""])("%j is refused", (name) => {
    expect(() => foreignHost(name)).toThrowError(expect.objectContaining({ code: "usage", message: `${JSON.stringify(name)} is no host` }));
  });

  it("has every program by its bare name and the first of each file, and cannot be probed", async () => {
    const host = foreignHost("darwin/arm64");
    expect(host.find("/usr/bin/gvproxy")).toBe("gvproxy");
    expect(host.firstFile(["/a", "/b"])).toBe("/a");
    await expect(host.probe("/usr/bin/gvproxy", [])).rejects.toMatchObject({ code: "unsupported-host", message: "gvproxy cannot be asked: the plan is for darwin/arm64, not for this host" });
  });

  it("has our folders where that system puts them", () => {
    expect(pathsOfHost(foreignHost("darwin/arm64")).data).toBe("/Users/user/Library/Application Support/glowplug");
    expect(pathsOfHost(foreignHost("linux/amd64"))).toMatchObject({ data: "/home/user/.local/share/glowplug", runtime: "/run/user/1000/glowplug" });
  });
});

it("our own folders follow the environment", () => {
  vi.stubEnv("XDG_DATA_HOME", "/data");
  vi.stubEnv("XDG_RUNTIME_DIR", "/run/me");
  expect(pathsOfProcess()).toMatchObject({ data: "/data/glowplug", runtime: "/run/me/glowplug", tools: "/data/glowplug/tools" });
});

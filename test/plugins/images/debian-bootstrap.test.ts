import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { BuildImage, FirstBoot, ImageQuery } from "glowplug";
import { networkOf } from "../../support/network.ts";
import { foreignHost } from "../../../core/host.ts";
import debianBootstrap, { guestPackages, hostPackages, renderBuildScript, type DebianBootstrapOptions } from "../../../plugins/images/debian-bootstrap.ts";
import { guestFiles } from "../../../plugins/images/debian-bootstrap/guest-files.ts";
import { initrdRecipe } from "../../../plugins/images/debian-bootstrap/initrd.ts";
import { disabledUnits, enabledUnits, maskedUnits } from "../../../plugins/images/debian-bootstrap/units.ts";

const query: ImageQuery = {
  host: foreignHost("linux/amd64"), arch: "x86_64", platforms: ["qemu"], formats: ["qcow2", "raw"], folder: "/project",
  ...networkOf(),
};
async function locate(options?: DebianBootstrapOptions, asked: Partial<ImageQuery> = {}): Promise<BuildImage> {
  const image = await debianBootstrap(options).locate({ ...query, ...asked });
  if (image.kind !== "build") throw new Error(`a build is expected, not ${image.kind}`);
  return image;
}
const syntaxOf = (shell: string, text: string): string => spawnSync(shell, ["-n"], { input: text, encoding: "utf8" }).stderr;

describe("the key", () => {
  it("is the same for the same recipe, whatever the host and the folder", async () => {
    const { key } = await locate();
    expect(key).toMatch(/^debian-bookworm-amd64-[0-9a-f]{32}$/);
    expect((await locate({})).key).toBe(key);
    expect((await locate({ packages: [], kernelArguments: [] }, { folder: "/elsewhere", host: foreignHost("linux/arm64") })).key).toBe(key);
  });

  it.each([{ packages: ["git"] }, { kernelArguments: ["mitigations=off"] }, { firstBoot: "cloud-init" } as const])("changes with %j", async (options) => {
    expect((await locate(options)).key).not.toBe((await locate()).key);
  });
});

describe("the build", () => {
  it("is one script, called with where the disk goes and a scratch folder", async () => {
    const { files, commands } = (await locate()).steps({ scratch: "/s p", output: "/out.qcow2" });
    expect(files).toEqual([{ path: "/s p/build.sh", content: { text: renderBuildScript() } }]);
    expect(commands.map(({ program, name }) => [program, name])).toEqual([["bash", "debian-bootstrap"]]);
    expect(commands[0]?.toArgv()).toEqual(["/s p/build.sh", "/out.qcow2", "/s p"]);
  });

  it("says what it needs, what comes out and who logs in", async () => {
    const image = await locate();
    expect(image).toMatchObject({ title: "Debian 12 built here", release: "12", format: "qcow2" });
    expect(image.needs).toEqual(expect.arrayContaining(["mmdebstrap", "mkfs.ext4", "syslinux", "qemu-img"]));
    expect(debianBootstrap()).toMatchObject({ name: "debian-bootstrap", role: "image", firstBoot: "ignition", user: "core" });
  });

  it.each<[DebianBootstrapOptions, string]>([[{ firstBoot: "cloud-init" }, "cloud-init"], [{ stream: "cloud-init" }, "cloud-init"], [{ stream: "ignition" }, "ignition"], [{ firstBoot: "cloud-init", stream: "cloud-init" }, "cloud-init"]])(
    "with %j has first boot done by %s", async (options, firstBoot) => {
      expect(debianBootstrap(options)).toMatchObject({ name: "debian-bootstrap", firstBoot, user: "core" });
      const [file] = (await locate(options)).steps({ scratch: "/s", output: "/o" }).files;
      expect(file?.content).toEqual({ text: renderBuildScript({ firstBoot: firstBoot as FirstBoot }) });
    });

  it("is for PCs alone, and says so", () => {
    expect(() => debianBootstrap().locate({ ...query, arch: "aarch64" })).toThrow("debian-bootstrap builds guests for x86_64, not for aarch64");
  });
});

describe("the options", () => {
  it.each([
    [{ packages: ["git; rm -rf /"] }, '"git; rm -rf /" is no name of a Debian package'],
    [{ packages: ["-o"] }, '"-o" is no name of a Debian package'],
    [{ kernelArguments: ["a b"] }, '"a b" is no word of a kernel line'],
    [{ kernelArguments: ["x\nEND_OF_FILE"] }, "is no word of a kernel line"],
    [{ package: ["git"] }, 'has no option "package"'],
    [{ firstBoot: "kickstart" }, '"kickstart" does no first boot in it'],
    [{ stream: "testing" }, '"testing" does no first boot in it'],
    [{ firstBoot: "ignition", stream: "cloud-init" }, "first boot is said to be ignition and cloud-init"],
  ])("%j is refused", (options, message) => {
    expect(() => debianBootstrap(options as DebianBootstrapOptions)).toThrow(message);
  });

  it("reach the guest", () => {
    const script = renderBuildScript({ packages: ["git"], kernelArguments: ["mitigations=off"] });
    expect(script).toMatch(/--include='[^']*,git'/);
    expect(script).toMatch(/^ {2}append root=LABEL=root rw console=ttyS0 ignition\.firstboot=1 .* mitigations=off$/m);
  });
});

describe.each<FirstBoot>(["ignition", "cloud-init"])("the script for %s", (firstBoot) => {
  const script = renderBuildScript({ firstBoot, packages: ["git"] });

  it("is good shell, and so is the part that runs inside it", () => {
    expect(syntaxOf("bash", script)).toBe("");
    const inner = script.slice(script.indexOf("<<'END_OF_FILE_HOOK'\n") + "<<'END_OF_FILE_HOOK'\n".length, script.indexOf("\nEND_OF_FILE_HOOK\n"));
    expect(inner).toContain("chroot");
    expect(syntaxOf("bash", inner)).toBe("");
  });

  it("names no host and no address: packages come from where the host's own apt takes them", () => {
    // A package may be called like a host.
    expect(script.replace("netplan.io", "netplan")).not.toMatch(/https?:|ftp:|\b[a-z0-9-]+\.(?:org|com|net|io|dev)\b/i);
  });

  it("stops at the first failure and removes its scratch", () => {
    expect(script).toContain("set -euo pipefail");
    expect(script).toContain(`trap 'rm -rf "$work"' EXIT`);
  });

  it("keeps the loader silent on the serial line", () => {
    expect(/^default glowplug\n[\s\S]*?\nEND_OF_FILE$/m.exec(script)?.[0]).not.toMatch(/serial/i);
  });

  it("ends no file of the guest early", () => {
    for (const { path, content } of [...guestFiles(firstBoot), ...initrdRecipe(firstBoot)]) {
      expect(content, path).not.toContain("END_OF_FILE");
      expect(content === "" || content.endsWith("\n"), path).toBe(true);
    }
  });
});

describe.each<FirstBoot>(["ignition", "cloud-init"])("the guest of %s", (firstBoot) => {
  const file = (path: string): string => guestFiles(firstBoot).find((one) => one.path === path)?.content ?? "";

  it("has shell scripts that any sh reads", () => {
    const scripts = [...guestFiles(firstBoot), ...initrdRecipe(firstBoot)].filter(({ content }) => content.startsWith("#!/bin/sh"));
    const ours = scripts.map(({ path }) => path).filter((path) => path.startsWith("/usr/lib/glowplug/"));
    expect(ours).toEqual(firstBoot === "ignition" ? ["/usr/lib/glowplug/grow-root", "/usr/lib/glowplug/first-boot-done"] : []);
    for (const { path, mode, content } of scripts) {
      expect(syntaxOf("sh", content), path).toBe("");
      expect(mode, path).toBe("0755");
    }
  });

  it("reads the login keys that its first boot writes", () => {
    expect(file("/etc/ssh/sshd_config.d/10-image.conf")).toContain("AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys.d/ignition\n");
  });

  it("enables at first boot only what is asked for: by an empty preset, or by having none", () => {
    expect(file("/etc/systemd/system-preset/80-image.preset")).toBe(firstBoot === "ignition" ? "disable *\n" : "");
    expect(renderBuildScript({ firstBoot }).includes("echo uninitialized >")).toBe(firstBoot === "ignition");
  });

  it("has nothing of the other first boot", () => {
    const [mine, other] = firstBoot === "ignition" ? [/\bignition\b/, /cloud-init/] : [/cloud-init/, /ignition\.(firstboot|platform)|,ignition,|\bignition-files/];
    expect(renderBuildScript({ firstBoot })).toMatch(mine);
    expect(renderBuildScript({ firstBoot })).not.toMatch(other);
  });

  it("treats each unit in one way", () => {
    const units = [...enabledUnits(firstBoot), ...disabledUnits, ...maskedUnits];
    expect(new Set(units).size).toBe(units.length);
    for (const unit of units) expect(unit).toMatch(/^[\w@.:-]+\.(?:service|socket|target|timer|mount)$/);
  });

  it("has each file once, at an absolute path", () => {
    const paths = [...guestFiles(firstBoot), ...initrdRecipe(firstBoot)].map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    for (const path of paths) expect(path).toMatch(/^\/[\w@./-]+$/);
  });
});

it.each([["host", hostPackages], ["guest with Ignition", guestPackages("ignition")], ["guest with cloud-init", guestPackages("cloud-init")]])("the %s's packages are Debian names, each once", (_, packages) => {
  expect(new Set(packages).size).toBe(packages.length);
  for (const name of packages) expect(name).toMatch(/^[a-z0-9][a-z0-9+.-]+$/);
});

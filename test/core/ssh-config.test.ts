import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { makeKeyPair } from "../../core/keys.ts";
import { renderKnownHosts, renderSshConfig } from "../../core/ssh-config.ts";
import { guestWithLogin, scratchFolder } from "../fixtures/login.ts";

const input = { name: "web", host: "127.0.0.1", port: 40022, user: "core", keyFile: "/data/my machines/web/id_ed25519", knownHosts: "/data/my machines/web/known_hosts" };

it("renders an ssh_config with host-key checking on", () => {
  expect(renderSshConfig(input)).toBe(`Host web
  HostName 127.0.0.1
  Port 40022
  User core
  IdentityFile "/data/my machines/web/id_ed25519"
  IdentitiesOnly yes
  PreferredAuthentications publickey
  HostKeyAlias web
  HostKeyAlgorithms ssh-ed25519
  StrictHostKeyChecking yes
  UserKnownHostsFile "/data/my machines/web/known_hosts"
`);
});

it("renders a known_hosts line without the key's comment", () => {
  expect(renderKnownHosts("web", "ssh-ed25519 AAAAC3 host of web")).toBe("web ssh-ed25519 AAAAC3\n");
  expect(renderKnownHosts("web", "")).toBe("");
});

it.each(["/plain/id", "/with space/id", "/per%cent %h/id", '/a "quoted" one/id', "/back\\slash/id"])("is read by ssh as it was meant, with the key at %s", (path) => {
  const file = join(scratchFolder(), "config");
  writeFileSync(file, renderSshConfig({ ...input, keyFile: path, knownHosts: path }));
  const read = execFileSync("ssh", ["-G", "-F", file, "web"], { encoding: "utf8" }).split("\n");
  // ssh prints the one before it expands the tokens, and the other after.
  expect(read).toEqual(expect.arrayContaining([
    "host web", "hostname 127.0.0.1", "port 40022", "user core", `identityfile ${path.replaceAll("%", "%%")}`, "identitiesonly yes", "hostkeyalias web",
    "stricthostkeychecking true", `userknownhostsfile ${path}`, "hostkeyalgorithms ssh-ed25519", "preferredauthentications publickey",
  ]));
});

it.each(["/a\nb/id", "/${HOME}/id"])("refuses the path %j, which an ssh_config cannot hold", (keyFile) => {
  expect(() => renderSshConfig({ ...input, keyFile })).toThrow("cannot stand in an ssh_config");
});

/** Writes the files of a machine named Web.1 and logs in with OpenSSH's own client. */
async function logIn(hostKey?: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const { guest, keys, hostKeys } = await guestWithLogin();
  const folder = join(scratchFolder(), "a folder, 100%");
  mkdirSync(folder);
  const files = { keyFile: join(folder, "id"), knownHosts: join(folder, "known_hosts"), config: join(folder, "config") };
  writeFileSync(files.keyFile, keys.privateKey, { mode: 0o600 });
  writeFileSync(files.knownHosts, renderKnownHosts("Web.1", hostKey ?? hostKeys.publicKey));
  writeFileSync(files.config, renderSshConfig({ name: "Web.1", host: "127.0.0.1", port: guest.port, user: "core", ...files }));
  try {
    return { code: 0, ...(await promisify(execFile)("ssh", ["-F", files.config, "Web.1", "echo", "hello", "$USER"], { env: { PATH: process.env["PATH"] } })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

it("lets OpenSSH's client in without a question", async () => {
  expect(await logIn()).toMatchObject({ code: 0, stdout: "hello core\n", stderr: "" });
});

it("keeps OpenSSH's client out when the host key is another", async () => {
  const answer = await logIn(makeKeyPair("other").publicKey);
  expect(answer).toMatchObject({ code: 255, stdout: "" });
  expect(answer.stderr).toContain("Host key verification failed.");
});

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fingerprint, makeKeyPair } from "../../core/keys.ts";
import { scratchFolder } from "../fixtures/login.ts";

// Comments of each length modulo 8, for the padding.
it.each(["", "a", "ab", "abc", "abcd", "glowplug web", "naïve ✓", "eight ch"])("makes a key pair that ssh-keygen reads, with the comment %j", (comment) => {
  const { privateKey, publicKey } = makeKeyPair(comment);
  const folder = scratchFolder();
  const file = join(folder, "id");
  writeFileSync(file, privateKey, { mode: 0o600 });
  writeFileSync(`${file}.pub`, `${publicKey}\n`);
  expect(execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim()).toBe(publicKey);
  expect(execFileSync("ssh-keygen", ["-l", "-f", `${file}.pub`], { encoding: "utf8" }).trim()).toBe(`256 ${fingerprint(publicKey)} ${comment || "no comment"} (ED25519)`);
});

it("makes a private key that ssh-keygen signs with and the public key verifies", () => {
  const { privateKey, publicKey } = makeKeyPair("signer");
  const folder = scratchFolder();
  writeFileSync(join(folder, "id"), privateKey, { mode: 0o600 });
  writeFileSync(join(folder, "allowed"), `me ${publicKey}\n`);
  const signature = execFileSync("ssh-keygen", ["-Y", "sign", "-q", "-n", "test", "-f", join(folder, "id")], { input: "text", encoding: "utf8" });
  writeFileSync(join(folder, "signature"), signature);
  const verdict = execFileSync("ssh-keygen", ["-Y", "verify", "-f", join(folder, "allowed"), "-I", "me", "-n", "test", "-s", join(folder, "signature")], { input: "text", encoding: "utf8" });
  expect(verdict.trim()).toBe(`Good "test" signature for me with ED25519 key ${fingerprint(publicKey)}`);
});

it("makes another pair each time", () => {
  expect(new Set(Array.from({ length: 20 }, () => makeKeyPair("").publicKey)).size).toBe(20);
});

it("refuses a comment with a line break", () => {
  expect(() => makeKeyPair("a\nb")).toThrow('the key comment "a\\nb" has a line break');
});

it.each(["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIO0"])("refuses to take the fingerprint of %j", (line) => {
  expect(() => fingerprint(line)).toThrow(`${JSON.stringify(line)} is no public key`);
});

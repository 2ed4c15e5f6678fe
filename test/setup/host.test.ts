import { expect, test } from "vitest";
import { pathsOfProcess } from "../../core/host.ts";
import { isDebianLike, isThere, parseOsRelease, suiteFor, toolsFolder } from "../../setup/host.mjs";

test("tools are unpacked where the core looks for them", () => {
  expect(toolsFolder()).toBe(pathsOfProcess().tools);
});

test("os-release is read with and without quotes", () => {
  expect(parseOsRelease('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n# x\n')).toEqual({ ID: "debian", VERSION_ID: "12", PRETTY_NAME: "Debian GNU/Linux 12 (bookworm)" });
});

test.each([
  [{ ID: "debian" }, true], [{ ID: "ubuntu", ID_LIKE: "debian" }, true], [{ ID: "linuxmint", ID_LIKE: "ubuntu debian" }, true],
  [{ ID: "fedora" }, false], [{ ID: "rocky", ID_LIKE: "rhel centos fedora" }, false], [{}, false],
])("%j is Debian-like: %s", (release, expected) => {
  expect(isDebianLike(release)).toBe(expected);
});

test.each<[Record<string, string>, string]>([
  [{ ID: "debian", VERSION_ID: "12", VERSION_CODENAME: "bookworm" }, "trixie"],
  [{ ID: "debian", VERSION_ID: "13", VERSION_CODENAME: "trixie" }, "trixie"],
  [{ ID: "debian", VERSION_CODENAME: "forky" }, "forky"],
  [{ ID: "ubuntu", VERSION_ID: "25.10", VERSION_CODENAME: "questing" }, "questing"],
  [{ ID: "linuxmint", VERSION_ID: "23", VERSION_CODENAME: "mint", UBUNTU_CODENAME: "noble" }, "noble"],
])("on %j a tool that came with Debian 13 is taken from %s", (release, suite) => {
  expect(suiteFor(release, 13).suite).toBe(suite);
});

test("a tool whose files are named after a release is taken from that one alone", () => {
  expect(suiteFor({ ID: "debian", VERSION_ID: "13", VERSION_CODENAME: "trixie" }, 12, true)).toEqual({ codename: "trixie", suite: "bookworm" });
});

test("a program is looked for on PATH and among root's, a file by its path", () => {
  expect([isThere("sh"), isThere("no-such-program"), isThere("/etc/passwd"), isThere("/etc/no-such-file")]).toEqual([true, false, true, false]);
});

import { expect, test } from "vitest";
import { hostPackages, hostPrograms } from "../../plugins/images/debian-bootstrap/packages.ts";
import { installLine, policyFor } from "../../setup/install.mjs";
import { guestBuildNeeds } from "../../setup/packages.mjs";

test.each([
  ["a user with a terminal", { isDebian: true, isRoot: false, isTerminal: true, isCI: false }, "tell"],
  ["a user in CI", { isDebian: true, isRoot: false, isTerminal: false, isCI: true }, "tell"],
  ["root with a terminal", { isDebian: true, isRoot: true, isTerminal: true, isCI: false }, "ask"],
  ["root without a terminal", { isDebian: true, isRoot: true, isTerminal: false, isCI: false }, "install"],
  ["root in CI with a terminal", { isDebian: true, isRoot: true, isTerminal: true, isCI: true }, "install"],
  ["root of another system", { isDebian: false, isRoot: true, isTerminal: false, isCI: true }, "tell"],
])("for %s missing packages are handled so: %#", (_, host, policy) => {
  expect(policyFor(host)).toBe(policy);
});

const missing = [{ program: "qemu-img", debian: "qemu-utils", brew: "qemu" }, { program: "mcopy", debian: "mtools" }, { program: "mmd", debian: "mtools" }];
test.each([
  [{ isDebian: true, isMac: false, isRoot: false }, "sudo apt-get install --no-install-recommends mtools qemu-utils"],
  [{ isDebian: true, isMac: false, isRoot: true }, "apt-get install --no-install-recommends mtools qemu-utils"],
  [{ isDebian: false, isMac: true, isRoot: false }, "brew install qemu"],
  [{ isDebian: false, isMac: false, isRoot: false }, "install with this system's package manager what brings: qemu-img, mcopy, mmd"],
])("on %j the line to type is %j", (host, line) => {
  expect(installLine(missing, host)).toBe(line);
});

test("set-up brings every package and program that the built guest needs, and no other", () => {
  const programs = guestBuildNeeds.map(({ program }) => program);
  expect(hostPrograms.filter((program) => !programs.includes(program))).toEqual([]);
  expect([...new Set(guestBuildNeeds.map(({ debian }) => debian))].filter((name) => name !== "bash").sort()).toEqual([...hostPackages].sort());
});

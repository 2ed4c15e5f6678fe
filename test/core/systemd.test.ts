import { describe, expect, it } from "vitest";
import { cleanGuestPath, escapePath } from "../../core/systemd.ts";
import { systemdEscape } from "../support/ignition.ts";

describe("a path in a unit's name", () => {
  it.each([
    "/", "/data", "/home/me/my-src", "/home//me/./src/", "/a b/c", "/.hidden/.x", "/a.b/c:d_e", "/ä/ß", "/back\\slash", "/dev/virtio-ports/org.fedoraproject.port.0", "/Users/Ada's (old)",
  ])("is for %s what systemd-escape says", (path) => {
    expect(escapePath(path)).toBe(systemdEscape(path));
  });

  it.each(["data", "", "/a/../b"])("does not exist for %j", (path) => {
    expect(() => escapePath(path)).toThrow(expect.objectContaining({ code: "bad-spec" }));
  });
});

describe("a guest path", () => {
  it.each([["/etc/a", "/etc/a"], ["/etc//a/", "/etc/a"], ["/./etc/a", "/etc/a"], ["/", "/"]])("%s is spelt %s", (path, clean) => {
    expect(cleanGuestPath(path)).toBe(clean);
  });
});

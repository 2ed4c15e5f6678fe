import { expect, test } from "vitest";
import { parseCopy } from "../../../core/cli/cp-arguments.ts";

test.each([
  ["./a", "web:/tmp", { direction: "in", name: "web", hostPath: "./a", guestPath: "/tmp" }],
  ["web:/var/log", ".", { direction: "out", name: "web", hostPath: ".", guestPath: "/var/log" }],
  ["web:b", "a", { direction: "out", name: "web", hostPath: "a", guestPath: "b" }],
  ["web:~", "a", { direction: "out", name: "web", hostPath: "a", guestPath: "." }],
  ["web:~/b", "a", { direction: "out", name: "web", hostPath: "a", guestPath: "b" }],
  ["web:/a:b", "a", { direction: "out", name: "web", hostPath: "a", guestPath: "/a:b" }],
  // A path that begins with a dot or a slash is never a machine's.
  ["./web:x", "web:/tmp", { direction: "in", name: "web", hostPath: "./web:x", guestPath: "/tmp" }],
  ["/web:x", "web:/tmp", { direction: "in", name: "web", hostPath: "/web:x", guestPath: "/tmp" }],
  // The machine of a script.
  ["a", ":/tmp", { direction: "in", name: undefined, hostPath: "a", guestPath: "/tmp" }],
])("%s to %s", (source, destination, order) => {
  expect(parseCopy(source, destination)).toEqual(order);
});

test.each([
  ["a", "b", "a machine name must prefix either the source path or destination path"],
  ["./web:a", "/b", "a machine name must prefix either the source path or destination path"],
  ["web:/a", "db:/b", "copying between two machines is unsupported"],
  ["web:", "b", 'invalid arguments "web:", "b": you must specify paths'],
  ["", "web:/b", 'invalid arguments "", "web:/b": you must specify paths'],
])("%j to %j is refused in podman's words", (source, destination, message) => {
  expect(() => parseCopy(source, destination)).toThrow(expect.objectContaining({ code: "usage", message }) as Error);
});

import { expect, it } from "vitest";
import { isLoopback, parseReference } from "../../../../plugins/images/oci/reference.ts";

const hex = "a".repeat(64);
const digest = { algorithm: "sha256", hex };

it.each([
  ["docker://quay.io/podman/machine-os:5.6", { host: "quay.io", name: "podman/machine-os", tag: "5.6", shown: "quay.io/podman/machine-os:5.6" }],
  ["docker://quay.io/podman/machine-os", { host: "quay.io", name: "podman/machine-os", tag: "latest", shown: "quay.io/podman/machine-os:latest" }],
  ["docker://127.0.0.1:5000/disk:1", { host: "127.0.0.1:5000", name: "disk", tag: "1", shown: "127.0.0.1:5000/disk:1" }],
  ["docker://[::1]:5000/disk", { host: "[::1]:5000", name: "disk", tag: "latest", shown: "[::1]:5000/disk:latest" }],
  ["docker://localhost/disk", { host: "localhost", name: "disk", tag: "latest", shown: "localhost/disk:latest" }],
  ["docker://alpine", { host: "docker.io", name: "library/alpine", tag: "latest", shown: "docker.io/library/alpine:latest" }],
  ["docker://alpine:3", { host: "docker.io", name: "library/alpine", tag: "3", shown: "docker.io/library/alpine:3" }],
  ["docker://me/disk", { host: "docker.io", name: "me/disk", tag: "latest", shown: "docker.io/me/disk:latest" }],
  ["docker://index.docker.io/disk", { host: "docker.io", name: "library/disk", tag: "latest", shown: "docker.io/library/disk:latest" }],
  [`docker://example.org/a/b__c/d@sha256:${hex}`, { host: "example.org", name: "a/b__c/d", tag: "latest", digest, shown: `example.org/a/b__c/d@sha256:${hex}` }],
  [`docker://example.org/a:1@sha256:${hex}`, { host: "example.org", name: "a", tag: "1", digest, shown: `example.org/a:1@sha256:${hex}` }],
])("%s is read as docker reads it", (address, expected) => expect(parseReference(address)).toEqual(expected));

it.each([
  ["quay.io/a", 'expected "docker://" at its start'],
  ["docker://", '"" is no name of an image'],
  ["docker://quay.io/", '"" is no name of an image'],
  ["docker://quay.io/UPPER", '"UPPER" is no name of an image'],
  ["docker://quay.io/a/../b", '"a/../b" is no name of an image'],
  ["docker://quay.io/a?x=1", '"a?x=1" is no name of an image'],
  ["docker://user:pw@quay.io/a", "after the @ expected sha256: or sha512: and its lower-case hexadecimal digits"],
  ["docker://qu_ay.io/a", '"qu_ay.io" is no host'],
  ["docker://quay.io:/a", '"quay.io:" is no host'],
  ["docker://quay.io/a:", '"" is no tag'],
  ["docker://quay.io/a:.b", '".b" is no tag'],
  [`docker://quay.io/a@sha256:${hex.toUpperCase()}`, "after the @ expected sha256: or sha512: and its lower-case hexadecimal digits"],
  [`docker://quay.io/a@sha256:${hex}@x`, "after the @ expected sha256: or sha512: and its lower-case hexadecimal digits"],
  ["docker://quay.io/a@md5:00", "after the @ expected sha256: or sha512: and its lower-case hexadecimal digits"],
])("%s is refused", (address, problem) => {
  expect(() => parseReference(address)).toThrowError(expect.objectContaining({ code: "bad-image", plugin: "oci", message: `${JSON.stringify(address)} is no image of a registry: ${problem}` }));
});

it.each([["localhost", true], ["localhost:5000", true], ["127.0.0.1:5000", true], ["127.9.9.9", true], ["[::1]:80", true], ["127.0.0.1.example.org", false], ["localhost.example.org", false], ["example.org:127", false], ["10.0.0.1", false]])("%s is this host: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

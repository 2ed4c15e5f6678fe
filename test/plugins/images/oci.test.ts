import { expect, it } from "vitest";
import oci, { type OciOptions } from "../../../plugins/images/oci.ts";

it("is for an Ignition guest with the user core, as podman's machine-os is, unless told otherwise", () => {
  const url = "docker://registry.test/disk";
  expect(oci(url)).toMatchObject({ name: "oci", role: "image", firstBoot: "ignition", user: "core" });
  expect(oci({ url, firstBoot: "cloud-init", user: "debian" })).toMatchObject({ firstBoot: "cloud-init", user: "debian" });
});

it.each<[OciOptions | string, string]>([
  [{}, "the oci image needs either an url or a path"],
  [{ url: "docker://a/b", path: "c" }, "the oci image needs either an url or a path"],
  [{ path: "" }, "the oci image has an empty path"],
  ["oci:", "the oci image has an empty path"],
  [{ path: "a", insecure: true }, "the oci image takes no insecure for a layout"],
  [{ path: "a", authFile: "b" }, "the oci image takes no authFile for a layout"],
  [{ url: "docker://a/b", tag: "c" }, "the oci image takes no tag for an image of a registry"],
  ["https://registry.test/disk", '"https://registry.test/disk" is no image of a registry: expected "docker://" at its start'],
])("refuses %j", (options, message) => {
  expect(() => oci(options)).toThrowError(expect.objectContaining({ code: "bad-image", plugin: "oci", message, hint: expect.stringMatching(/./) }));
});

it("refuses an option that it has not", () => {
  expect(() => oci({ url: "docker://a/b", authfile: "x" } as OciOptions)).toThrow('oci has no option "authfile"; did you mean "authFile"?');
});

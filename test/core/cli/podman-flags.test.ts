import { expect, test } from "vitest";
import { describeFlags, parseFlags } from "../../../core/cli/flags.ts";
import { inOwnWords, podmanFlags, withoutTlsVerify } from "../../../core/cli/podman-flags.ts";
import { silentReport } from "../../../core/run.ts";

function own(...argv: string[]): object {
  const told: string[] = [];
  const { flags } = parseFlags(podmanFlags, argv, { program: "glowplug init" });
  const { image, launcher } = inOwnWords(flags, { report: { ...silentReport, warn: (line) => void told.push(line) } });
  return { ...(image !== undefined && { image }), ...(launcher !== undefined && { launcher }), told };
}

test.each<[string[], object]>([
  [[], { told: [] }],
  [["--image-path", "a.qcow2"], { image: "a.qcow2", told: ["flag --image-path has been deprecated, use --image instead"] }],
  [["--volume-driver", "virtfs"], { told: ["flag --volume-driver has been deprecated, will be ignored"] }],
  [["--provider", "qemu"], { launcher: "qemu", told: [] }],
  [["--provider", "applehv"], { launcher: "vfkit", told: [] }],
  [["--provider="], { told: [] }],
  [["--user-mode-networking", "--reexec"], { told: [] }],
])("%j", (argv, expected) => expect(own(...argv)).toEqual(expected));

test("our own flags win", () => {
  const { flags } = parseFlags(podmanFlags, ["--image-path", "a", "--provider", "qemu"], { program: "glowplug init" });
  expect(inOwnWords({ ...flags, image: "b", launcher: "vfkit" }, { report: silentReport })).toEqual({ image: "b", launcher: "vfkit" });
});

test("--tls-verify=false is handed to what fetches from a registry, and means nothing to other images", () => {
  const url = "docker://registry.test/machine-os:5.6";
  expect(withoutTlsVerify(url)).toEqual(["oci", { url, tlsVerify: false }]);
  for (const image of ["oci:./layout", "./disk.qcow2", ["oci", { url }] as const, undefined]) expect(withoutTlsVerify(image)).toBeUndefined();
});

test("an unknown provider is refused in podman's words", () => {
  expect(() => own("--provider", "hyperv")).toThrow('unsupported provider "hyperv"');
  expect(() => own("--provider", "constructor")).toThrow('unsupported provider "constructor"');
});

test("what is ignored or out of date is not in help", () => {
  expect(describeFlags(podmanFlags).split("\n")).toEqual([expect.stringMatching(/^ {6}--provider <name> {2}podman's word for a launcher: qemu \(qemu\), applehv \(vfkit\), libkrun \(vfkit\)$/), expect.stringMatching(/^ {6}--tls-verify/)]);
});

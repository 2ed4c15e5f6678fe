import { expect, test } from "vitest";
import { MachineError } from "../../core/errors.ts";
import { matchSlots, type Slots } from "../../core/match.ts";
import { plainForwarder, plainImage, plainLauncher, plainProvisioner } from "../fixtures/plain-plugins.ts";

function slots(parts: Partial<Slots> = {}): Slots {
  return { image: plainImage(), provisioner: plainProvisioner(), launcher: plainLauncher({ formats: ["qcow2", "raw"] }), forwarder: plainForwarder(), ...parts };
}
function failure(its: Slots): MachineError {
  try {
    matchSlots(its);
  } catch (error) {
    return error as MachineError;
  }
  throw new Error("they matched");
}

test("the link is the first of the launcher's that the forwarder offers", () => {
  expect(matchSlots(slots()).link).toBe("user");
  expect(matchSlots(slots({ forwarder: plainForwarder({ links: ["user", "unix-stream"] }) })).link).toBe("unix-stream");
});

test("the format is the image's where the launcher boots it, else the launcher's first", () => {
  const local = (format?: "qcow2" | "raw" | "vmdk") => ({ kind: "local" as const, title: "", path: "/disk", ...(format && { format }) });
  expect([local("raw"), local("vmdk"), local(), undefined].map((located) => matchSlots(slots(), located).format)).toEqual(["raw", "qcow2", "qcow2", "qcow2"]);
});

test.each<[string, Partial<Slots>, string]>([
  ["first boot", { image: plainImage({ firstBoot: "cloud-init" }) }, "image plain-image wants cloud-init at first boot, and provisioner plain-provisioner writes ignition"],
  ["seed", { launcher: plainLauncher({ seeds: ["nocloud"] }) }, "provisioner plain-provisioner makes a seed of kind ignition, and launcher plain-launcher takes nocloud"],
  ["link", { forwarder: plainForwarder({ links: ["unix-dgram"] }) }, "launcher plain-launcher takes network links of kind unix-stream, user, and forwarder plain-forwarder offers unix-dgram"],
  ["no link", { forwarder: plainForwarder({ links: [] }) }, "launcher plain-launcher takes network links of kind unix-stream, user, and forwarder plain-forwarder offers none"],
])("a mismatch of the %s names both plugins and both lists", (_, parts, message) => {
  expect(failure(slots(parts))).toMatchObject({ code: "slots-mismatch", message, details: undefined });
});

test("several mismatches are told at once", () => {
  const error = failure(slots({ image: plainImage({ firstBoot: "cloud-init" }), forwarder: plainForwarder({ links: [] }) }));
  expect(error.message).toBe("the four slots do not match");
  expect(error.details).toHaveLength(2);
});

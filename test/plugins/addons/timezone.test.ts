import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import timezone, { type TimezoneOptions } from "../../../plugins/addons/timezone.ts";
import { hostOf } from "../../fixtures/hosts.ts";
import { guestRoot, type GuestRoot } from "../../support/guest-root.ts";

const start = async (guest: GuestRoot, zone: string, options?: TimezoneOptions): Promise<void> => await timezone(options).afterStart?.(guest.event(hostOf("linux/amd64", { timezone: zone })));
function guestWithZones(): GuestRoot {
  const guest = guestRoot();
  for (const zone of ["UTC", "Europe/Rome", "America/Argentina/Salta"]) guest.write(`/usr/share/zoneinfo/${zone}`, "");
  return guest;
}
const zoneOf = (guest: GuestRoot): string => readlinkSync(join(guest.folder, "etc/localtime"));

describe("the guest's time zone", () => {
  it("follows the host's from start to start", async () => {
    const guest = guestWithZones();
    guest.write("/etc/timezone", "Etc/UTC\n");
    await start(guest, "Europe/Rome");
    expect([zoneOf(guest), guest.read("/etc/timezone")]).toEqual(["../usr/share/zoneinfo/Europe/Rome", "Europe/Rome\n"]);
    await start(guest, "Europe/Rome");
    await start(guest, "America/Argentina/Salta");
    expect([zoneOf(guest), guest.read("/etc/timezone")]).toEqual(["../usr/share/zoneinfo/America/Argentina/Salta", "America/Argentina/Salta\n"]);
    expect(guest.told).toEqual(["the guest's time zone is Europe/Rome now", "the guest's time zone is America/Argentina/Salta now"]);
  });

  it("is the one that was asked for, where the host is may be", async () => {
    const guest = guestWithZones();
    await start(guest, "Europe/Rome", { zone: "UTC" });
    expect([zoneOf(guest), guest.read("/etc/timezone")]).toEqual(["../usr/share/zoneinfo/UTC", undefined]);
  });

  it("stays as it is where the guest does not know the zone", async () => {
    const guest = guestWithZones();
    await start(guest, "UTC");
    await expect(start(guest, "Asia/Tokyo")).rejects.toMatchObject({
      code: "ssh", plugin: "timezone", message: "cannot bring /etc/localtime, /etc/timezone in the guest up to date: ../usr/share/zoneinfo/Asia/Tokyo is not there",
      hint: 'Where the guest has no time zones, `packages: ["tzdata"]` in the spec installs them.',
    });
    expect(zoneOf(guest)).toBe("../usr/share/zoneinfo/UTC");
  });

  it.each(["", "../../etc/shadow", "Europe/../x", "a b", "x'; reboot", "/UTC"])("cannot be %j", (zone) => {
    expect(() => timezone({ zone })).toThrowError(expect.objectContaining({ code: "bad-spec", plugin: "timezone" }));
  });
});

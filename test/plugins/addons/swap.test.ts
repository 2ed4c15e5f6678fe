import { describe, expect, it } from "vitest";
import { GuestDraft, type IgnitionEvent } from "glowplug";
import swap from "../../../plugins/addons/swap.ts";
import { guestRoot } from "../../support/guest-root.ts";

async function draftFor(size: "1GiB" | "1.5MiB" | "8MiB"): Promise<GuestDraft> {
  const guest = new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });
  await swap({ swap: size }).ignition?.({ guest } as unknown as IgnitionEvent);
  return guest;
}
const contentOf = (guest: GuestDraft, path: string): string => guest.files.find((file) => file.path === path)?.content ?? "";

describe("swap", () => {
  it("is zram-generator's where the guest has it", async () => {
    expect(contentOf(await draftFor("1GiB"), "/etc/systemd/zram-generator.conf")).toBe("[zram0]\nzram-size = 1024\n");
    expect(contentOf(await draftFor("1.5MiB"), "/etc/systemd/zram-generator.conf")).toBe("[zram0]\nzram-size = 2\n");
    expect((await draftFor("1GiB")).units).toEqual([{ name: "glowplug-swap.service", enabled: true, content: expect.stringContaining("ConditionPathExists=!/usr/lib/systemd/system-generators/zram-generator") as string }]);
    expect((await draftFor("1GiB")).readyUnits).toEqual(["glowplug-swap.service"]);
  });

  it("is else a file, made once, for root's eyes alone, and switched on at each boot", async () => {
    const guest = guestRoot();
    for (const name of ["mkswap", "swapon", "chcon"]) guest.program(name);
    guest.write("/var/lib/glowplug/.keep", "");
    const script = contentOf(await draftFor("8MiB"), "/var/lib/glowplug/swap-on");
    const { ssh } = guest.event();
    const boot = () => ssh.exec(["/bin/sh", "-c", script]);
    expect(await boot()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await boot()).toMatchObject({ exitCode: 0, stderr: "" });
    const file = `${guest.folder}/var/lib/glowplug/swap`;
    expect(guest.called()).toEqual([`mkswap ${file}`, `chcon -t swapfile_t ${file}`, `swapon ${file}`, `swapon ${file}`]);
    expect((await ssh.exec(["stat", "-c", "%s %a", "/var/lib/glowplug/swap"])).stdout).toBe(`${8 * 2 ** 20} 600\n`);
  });

  it.each([[{}], [{ swap: "8" }], [{ swap: "0MiB" }], [{ swap: 8 }]])("of no size is refused: %j", (options) => {
    expect(() => swap(options as never)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^bad-(spec|size)$/) as string }) as Error);
  });
});

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GuestDraft, type IgnitionEvent, type MachineInfo } from "glowplug";
import playbook from "../../../plugins/addons/playbook.ts";
import { guestRoot, type GuestRoot } from "../../support/guest-root.ts";

const done = "/var/lib/glowplug/playbook.done";

function newGuest({ ansible }: { ansible: boolean }): GuestRoot {
  const guest = guestRoot();
  guest.program("systemctl");
  guest.write("/var/lib/glowplug/.keep", "");
  guest.write("/site.yml", "- hosts: localhost\n");
  if (ansible) guest.program("ansible-playbook");
  return guest;
}
const plugin = (guest: GuestRoot) => playbook({ playbook: join(guest.folder, "site.yml") });
const start = async (guest: GuestRoot): Promise<void> => void (await plugin(guest).afterStart?.(guest.event()));
async function draftFor(guest: GuestRoot, user: string): Promise<GuestDraft> {
  const draft = new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });
  await plugin(guest).ignition?.({ guest: draft, machine: { ...guest.event().machine, user } satisfies MachineInfo } as unknown as IgnitionEvent);
  return draft;
}

describe("a playbook", () => {
  it("is the user's file, and a unit that no boot starts by itself", async () => {
    const draft = await draftFor(newGuest({ ansible: true }), "core");
    expect(draft.files).toEqual([{ path: "/home/core/playbook.yaml", content: "- hosts: localhost\n", user: "core", group: "core" }]);
    expect(draft.units).toEqual([{ name: "glowplug-playbook.service", enabled: false, content: expect.stringContaining("User=core\n") as string }]);
    expect((await draftFor(newGuest({ ansible: true }), "root")).files.map(({ path }) => path)).toEqual(["/root/playbook.yaml"]);
  });

  it("is started once the machine is up, and never again after it began", async () => {
    const guest = newGuest({ ansible: true });
    await start(guest);
    expect(guest.called()).toEqual(["systemctl start --no-block glowplug-playbook.service"]);
    expect(guest.told).toEqual(["the playbook runs in the guest: glowplug ssh web journalctl -u glowplug-playbook.service"]);
    guest.write(done, "");
    await start(guest);
    expect([guest.called().length, guest.told.length]).toEqual([1, 1]);
  });

  it("without ansible-playbook in the guest is an error once, and waits for it", async () => {
    const guest = newGuest({ ansible: false });
    await expect(start(guest)).rejects.toMatchObject({ code: "not-found", message: "the guest has no ansible-playbook: the playbook was not run", hint: expect.stringContaining("packages") as string });
    await start(guest);
    expect(guest.told).toEqual(["the playbook still waits for ansible-playbook in the guest"]);
    guest.program("ansible-playbook");
    await start(guest);
    expect(guest.called()).toEqual(["systemctl start --no-block glowplug-playbook.service"]);
  });

  it("that is not there is refused before anything is made", async () => {
    const guest = newGuest({ ansible: true });
    const gone = playbook({ playbook: join(guest.folder, "gone.yml") });
    expect(() => gone.ignition?.({ guest: new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } }), machine: guest.event().machine } as unknown as IgnitionEvent))
      .toThrow(expect.objectContaining({ code: "not-found", message: `cannot read the playbook ${join(guest.folder, "gone.yml")}: ENOENT` }) as Error);
  });
});

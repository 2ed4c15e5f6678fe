import { describe, expect, it } from "vitest";
import { GuestDraft } from "../../core/guest.ts";

const newDraft = () => new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });
function as(guest: GuestDraft, author: string, change: (guest: GuestDraft) => void): void {
  guest.author = author;
  change(guest);
  guest.author = undefined;
}

describe("a guest draft", () => {
  it("keeps things in the order in which they were said, and who said them", () => {
    const guest = newDraft();
    guest.user({ name: "core", uid: 1000 }).file({ path: "/etc/b", content: "" });
    as(guest, "web", (draft) => draft.file({ path: "/etc/a", content: "" }).folder({ path: "/srv" }).link({ path: "/x", target: "y" }).unit({ name: "a.service" }).package("git").run("true"));
    expect(guest.parts).toEqual([
      { what: "user core" }, { what: "file /etc/b" }, { what: "file /etc/a", by: "web" }, { what: "folder /srv", by: "web" }, { what: "link /x", by: "web" },
      { what: "unit a.service", by: "web" }, { what: "package git", by: "web" }, { what: "command true", by: "web" },
    ]);
  });

  it("takes the same thing twice as one", () => {
    const guest = newDraft();
    as(guest, "one", (draft) => draft.file({ path: "/etc/a", content: "x", mode: 0o600 }).package("git").unit({ name: "a.service", enabled: true }));
    as(guest, "two", (draft) => draft.file({ mode: 0o600, path: "/etc/a", content: "x" }).package("git").unit({ name: "a.service", enabled: true }));
    expect(guest.files).toEqual([{ path: "/etc/a", content: "x", mode: 0o600, by: "one" }]);
    expect(guest.packages).toEqual(["git"]);
    expect(guest.units).toEqual([{ name: "a.service", enabled: true, by: "one" }]);
  });

  it.each<[string, (guest: GuestDraft) => unknown, (guest: GuestDraft) => unknown]>([
    ["path /etc/a", (draft) => draft.file({ path: "/etc/a", content: "1" }), (draft) => draft.file({ path: "/etc/a", content: "2" })],
    ["path /etc/a", (draft) => draft.file({ path: "/etc/a", content: "1" }), (draft) => draft.link({ path: "/etc//a/", target: "b" })],
    ["unit a.service", (draft) => draft.unit({ name: "a.service", enabled: true }), (draft) => draft.unit({ name: "a.service", enabled: false })],
    ["drop-in a.service.d/x.conf", (draft) => draft.unit({ name: "a.service", dropins: [{ name: "x.conf", content: "1" }] }), (draft) => draft.unit({ name: "a.service", dropins: [{ name: "x.conf", content: "2" }] })],
    ["user core", (draft) => draft.user({ name: "core", uid: 1 }), (draft) => draft.user({ name: "core", uid: 2 })],
  ])("names both plugins that claim %s", (what, first, second) => {
    const guest = newDraft();
    as(guest, "one", first);
    expect(() => as(guest, "two", second)).toThrow(expect.objectContaining({ code: "conflict", plugin: "two", message: `one and two both claim the guest's ${what}, with different contents` }));
  });

  it("lets a later plugin take something back and say it anew", () => {
    const guest = newDraft();
    as(guest, "one", (draft) => draft.file({ path: "/etc/a", content: "1" }).unit({ name: "a.service", mask: true }));
    as(guest, "two", (draft) => draft.dropPath("/etc//a").file({ path: "/etc/a", content: "2" }).dropUnit("a.service").unit({ name: "a.service", enabled: true }));
    expect(guest.files).toEqual([{ path: "/etc/a", content: "2", by: "two" }]);
    expect(guest.units).toEqual([{ name: "a.service", enabled: true, by: "two" }]);
  });

  it("adds groups and keys to a user, and drop-ins to a unit", () => {
    const guest = newDraft();
    guest.user({ name: "core", uid: 1000, groups: ["sudo"], authorizedKeys: ["a"] }).user({ name: "core", groups: ["sudo", "video"], authorizedKeys: ["b"] });
    guest.unit({ name: "a.service", content: "[Service]\n" }).unit({ name: "a.service", dropins: [{ name: "x.conf", content: "1" }] }).unit({ name: "a.service", dropins: [{ name: "y.conf", content: "2" }] });
    expect(guest.users).toEqual([{ name: "core", uid: 1000, groups: ["sudo", "video"], authorizedKeys: ["a", "b"] }]);
    expect(guest.units).toEqual([{ name: "a.service", content: "[Service]\n", dropins: [{ name: "x.conf", content: "1" }, { name: "y.conf", content: "2" }] }]);
  });

  it.each([
    ["a unit with an [Install] section", { name: "a.service", content: "[Service]\n[Install]\nWantedBy=x\n" }, true],
    ["a unit whose text only speaks of one", { name: "a.service", content: "[Service]\n# no [Install]\n" }, undefined],
    ["a unit that is switched off", { name: "a.service", content: "[Install]\n", enabled: false }, false],
    ["a masked unit", { name: "a.service", content: "[Install]\n", mask: true }, undefined],
    ["a unit of the image", { name: "a.service" }, undefined],
  ])("says of %s whether it starts at boot", (_, unit, enabled) => {
    expect(newDraft().unit(unit).units[0]?.enabled).toBe(enabled);
  });

  it.each(["etc/a", "./a", "/etc/../a"])("refuses the path %s", (path) => {
    expect(() => newDraft().file({ path, content: "" })).toThrow(expect.objectContaining({ code: "bad-spec" }));
  });

  it("refuses a file without content", () => {
    expect(() => newDraft().file({ path: "/a", source: "a.txt" })).toThrow(expect.objectContaining({ code: "bad-spec", message: "the guest file /a has no content" }));
  });

  it("refuses two volumes at one place, however it is spelt", () => {
    const mount = { tag: "a", kind: "9p", target: "/data", readOnly: false } as const;
    expect(() => newDraft().mount(mount).mount({ ...mount, tag: "b", target: "/data/" })).toThrow(expect.objectContaining({ code: "conflict" }));
  });

  it("collects the units that the ready line waits for", () => {
    expect(newDraft().readyAfter("a.service", "b.socket").readyAfter("a.service").readyUnits).toEqual(["a.service", "b.socket"]);
  });
});

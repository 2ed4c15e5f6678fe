// The tests of motd-plugin.ts: what every plugin promises, and a whole life on programs that play QEMU and its guest.
//   npx vitest run motd-plugin.test.ts
import { describe, expect, it } from "vitest";
import { contractOf, testMachine } from "glowplug/testing";
import motd from "./motd-plugin.ts";

describe("motd", () => {
  for (const { title, run } of contractOf("addon", () => motd())) it(title, run);

  it("puts the greeting into the guest and finds it there", async () => {
    await using test = await testMachine({ name: "web", plugins: [motd({ text: "Welcome aboard." })] });
    expect(test.file("/etc/motd")).toBe("Welcome aboard.\n");
    expect(test.commands()).toContainEqual({ user: "core", command: "cat /etc/motd" });
    expect(test.told).toContain("info: motd: the greeting is in place");
  }, 30_000);

  it("greets with the machine's name unless told otherwise", async () => {
    await using test = await testMachine({ name: "web", plugins: [motd()] }, { start: false });
    expect(test.file("/etc/motd")).toBe("This is web.\n");
  }, 30_000);

  it("fails the start when the guest greets otherwise", async () => {
    const fakes = { qemu: { commands: [{ match: "cat /etc/motd", run: "echo Debian" }] } };
    await expect(testMachine({ plugins: [motd()] }, { fakes })).rejects.toThrow('plugin motd failed in hook afterStart: the guest greets with "Debian\\n"');
  }, 30_000);

  it("refuses an option that it does not have", () => {
    expect(() => motd({ txt: "Welcome." } as object)).toThrow('motd has no option "txt"; did you mean "text"?');
  });
});

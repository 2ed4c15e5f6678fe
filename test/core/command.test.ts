import { describe, expect, it } from "vitest";
import { Command, quote } from "../../core/command.ts";

describe("a command", () => {
  it("keeps its flags in order, repeats included", () => {
    expect(new Command("qemu").add("-m", 512).add("-device", "a").add("-device", "b").add("-S").toArgv()).toEqual(["-m", "512", "-device", "a", "-device", "b", "-S"]);
  });
  it("replaces the first occurrence of a flag that is set, and drops the others", () => {
    expect(new Command("qemu").add("-m", "1").add("-S").add("-m", "2").set("-m", "3").toArgv()).toEqual(["-m", "3", "-S"]);
  });
  it("drops one value of a repeatable flag", () => {
    expect(new Command("qemu").add("-device", "a").add("-device", "b").drop("-device", "a").all("-device")).toEqual(["b"]);
  });
  it("remembers who put each flag there", () => {
    const command = new Command("qemu");
    command.author = "qemu";
    command.add("-m", 1);
    command.author = "script";
    command.set("-m", 2).add("-S");
    expect(command.entries).toEqual([{ flag: "-m", value: "2", by: "script" }, { flag: "-S", by: "script" }]);
  });
  it("prints a line that a shell reads back as the same words", () => {
    expect(new Command("/usr/bin/x y").add("-a", "it's $HOME").toString()).toBe("'/usr/bin/x y' -a 'it'\\''s $HOME'");
  });
  it.each([["plain-word_1.2/3", "plain-word_1.2/3"], ["", "''"], ["a b", "'a b'"], ["*", "'*'"]])("quotes %j as %s", (word, quoted) => {
    expect(quote(word)).toBe(quoted);
  });
});

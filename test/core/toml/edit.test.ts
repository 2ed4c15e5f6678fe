import fc from "fast-check";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { editToml, type TomlChange } from "../../../core/toml/edit.ts";

const edit = (text: string, ...changes: TomlChange[]) => editToml(text, changes, "/etc/x.conf");
const put = (path: string, value: TomlChange["value"]): TomlChange => ({ path: path.split("."), value });

describe("a change of a TOML text", () => {
  it.each<[string, string, TomlChange[], string]>([
    ["makes a text of nothing", "", [put("engine.active_service", "web")], '[engine]\nactive_service = "web"\n'],
    ["keeps a file of comments", "# mine", [put("engine.active_service", "web")], '# mine\n\n[engine]\nactive_service = "web"\n'],
    ["puts a pair behind the others of its table, indented as they are", '[engine]\n  # why\n  a = 1 # so\n\n[other]\nb = 2\n', [put("engine.c", true)], '[engine]\n  # why\n  a = 1 # so\n  c = true\n\n[other]\nb = 2\n'],
    ["puts a pair behind the header of an empty table", "[engine] # empty\n[other]\n", [put("engine.c", "x")], '[engine] # empty\nc = "x"\n[other]\n'],
    ["replaces a value alone", '[engine]\n  active_service = \'old\' # mine\nz = 1\n', [put("engine.active_service", "new")], '[engine]\n  active_service = "new" # mine\nz = 1\n'],
    ["replaces a value that is several lines long", '[engine]\na = [\n 1, # one\n]\n', [put("engine.a", "x")], '[engine]\na = "x"\n'],
    ["adds a table of its own, under a name that wants quotes", "[machine]\ncpus = 2", [put("engine.d.a b", { uri: "ssh://x", is_machine: true })], '[machine]\ncpus = 2\n\n[engine.d."a b"]\nuri = "ssh://x"\nis_machine = true\n'],
    ["replaces a whole table, with those below it", '[a.x]\nold = 1\n[a.x.y]\nz = 1\n[b]\n', [put("a.x", { new: "1" })], '[b]\n\n[a.x]\nnew = "1"\n'],
    ["takes a pair away, and the comment behind it", "[engine]\na = 1\nb = 2 # two\nc = 3\n", [put("engine.b", undefined)], "[engine]\na = 1\nc = 3\n"],
    ["takes a table away and leaves the others' comments", "# first\n[a]\nx = 1\n\n[b]\ny = 2\n# for c\n[c]\nz = 3\n", [put("b", undefined)], "# first\n[a]\nx = 1\n\n# for c\n[c]\nz = 3\n"],
    ["takes a header away that has nothing under it any more", '[engine]\nactive_service = "web"\n\n[other]\nx = 1\n', [put("engine.active_service", undefined)], "[other]\nx = 1\n"],
    ["leaves such a header where somebody wrote something there", '[engine]\n# mine\nactive_service = "web"\n', [put("engine.active_service", undefined)], "[engine]\n# mine\n"],
    ["does nothing about what is not there", "[engine]\na = 1\n", [put("engine.b", undefined), put("no.such", undefined)], "[engine]\na = 1\n"],
    ["makes several changes in order", "", [put("e.d.web", { uri: "a" }), put("e.s", "web")], '[e.d.web]\nuri = "a"\n\n[e]\ns = "web"\n'],
  ])("%s", async (_, before, changes, after) => {
    expect(await edit(before, ...changes)).toBe(after);
  });

  it("is taken back without a trace", async () => {
    const mine = '# mine\n[machine]\ncpus = 2\n\n[engine.service_destinations.old]\nuri = "ssh://old"\n';
    const added = await edit(mine, put("engine.service_destinations.web", { uri: "ssh://x" }), put("engine.active_service", "web"));
    expect(await edit(added, put("engine.service_destinations.web", undefined), put("engine.active_service", undefined))).toBe(mine);
  });

  it.each([
    ["a table written in one line", 'engine = { active_service = "old" }\n'],
    ["a table written with dotted keys, beside which none of its own may stand", "engine.a = 1\n"],
  ])("is refused for %s", async (_, text) => {
    await expect(edit(text, put("engine.active_service", "web"))).rejects.toMatchObject({
      code: "bad-config", message: "/etc/x.conf is written in a way that glowplug cannot change: engine.active_service",
    });
  });

  it("is refused for what is no TOML, with the line", async () => {
    await expect(edit("a = 1\nb = [1,\n", put("a", "x"))).rejects.toMatchObject({ code: "bad-config", message: expect.stringMatching(/^\/etc\/x\.conf:\d: /) as string, details: [expect.stringContaining("b = [1,")] });
  });

  it("holds for any texts and names", async () => {
    const word = fc.string({ minLength: 1, maxLength: 8 });
    await fc.assert(fc.asyncProperty(fc.dictionary(word, fc.string(), { maxKeys: 4, noNullPrototype: true }), word, fc.string(), async (others, name, value) => {
      const lines = Object.entries(others).map(([key, text]) => `${JSON.stringify(`k${key}`)} = ${JSON.stringify(text).replaceAll("\u007f", "\\u007f")} # ${key.length}\n`);
      const before = `[x]\n${lines.join("")}# end\n`;
      const after = await edit(before, { path: ["x", "d", name], value: { uri: value } });
      expect((parse(after)["x"] as { d: object }).d).toEqual({ [name]: { uri: value } });
      expect(await edit(after, { path: ["x", "d", name], value: undefined })).toBe(before);
    }), { numRuns: 200 });
  });
});

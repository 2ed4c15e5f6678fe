import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFormat, renderTemplate, Shown, Stamp } from "../../../core/cli/format.ts";
import { isMachineError } from "../../../core/errors.ts";

const item = {
  Name: new Shown("default", "default*"), CPUs: 4, Running: true, Reason: "", Nothing: null, DiskSize: new Shown("107374182400", "100GiB"),
  Resources: { Memory: 2048, Deep: { Er: "x" } }, Ports: [{ HostPort: 80 }], LastUp: new Stamp("2026-05-03T21:04:05.120Z", "3 days ago"),
};
const fields = Object.keys(item);

function render(format: string, items: readonly object[] = [item]): string {
  const parsed = parseFormat(format);
  if (parsed.kind !== "template") throw new Error(`${format} is no template`);
  return renderTemplate(parsed, items, { fields, headers: { CPUs: "CPUS" } });
}
function messageOf(format: string, items?: readonly object[]): string {
  try {
    render(format, items);
  } catch (error) {
    if (isMachineError(error)) return error.message;
    throw error;
  }
  return "no error";
}

describe("what a template prints", () => {
  test.each([
    ["{{.Name}}", "default*\n"],
    ["{{ .Name }}", "default*\n"],
    ["{{.CPUs}}/{{.Running}}", "4/true\n"],
    ["{{.Resources.Memory}}", "2048\n"],
    ["{{.Resources.Deep.Er}}", "x\n"],
    ["[{{.Reason}}{{.Nothing}}{{.Nothing.Inner}}]", "[]\n"],
    ["{{.Resources}}", '{"Memory":2048,"Deep":{"Er":"x"}}\n'],
    ["{{json .Name}}", '"default"\n'],
    ["{{json .Ports}}", '[{"HostPort":80}]\n'],
    ["{{json .LastUp}}", '"2026-05-03T21:04:05.120Z"\n'],
    ["{{.LastUp}}", "3 days ago\n"],
    ['{{.LastUp.Format "2006"}}', "2026\n"],
    ["{{.LastUp.Format `}}2006`}}", "}}2026\n"],
    ["plain", "plain\n"],
    ["a\\nb\\n", "a\nb\n"],
    ["{{.Name}}\\t{{.CPUs}}", "default*    4\n"],
    ["table {{.Name}}\\t{{.CPUs}}", "NAME        CPUS\ndefault*    4\n"],
    ["table {{.Name}} {{.DiskSize}} {{.Resources.Memory}}", "NAME        DISK SIZE   MEMORY\ndefault*    100GiB      2048\n"],
  ])("%s", (format, expected) => {
    expect(render(format)).toBe(expected);
  });

  test("one line an item, and none for none", () => {
    expect(render("{{.CPUs}}", [item, { ...item, CPUs: 2 }])).toBe("4\n2\n");
    expect(render("{{.CPUs}}", [])).toBe("");
    expect(render("table {{.CPUs}}", [])).toBe("CPUS\n");
  });
});

test.each(["json", " json ", "{{json}}", "{{ json. }}"])("%s asks for JSON, as podman takes it", (format) => {
  expect(parseFormat(format)).toEqual({ kind: "json" });
});

describe("errors name what is wrong", () => {
  test.each([
    ["{{.Nmae}}", "unknown field .Nmae in the template"],
    ["{{.Resources.Memroy}}", "unknown field .Resources.Memroy in the template"],
    ["{{.CPUs.Count}}", "unknown field .CPUs.Count in the template: .CPUs has no fields"],
    ["{{.Ports.HostPort}}", "unknown field .Ports.HostPort in the template: .Ports has no fields"],
    ["{{.constructor}}", "unknown field .constructor in the template"],
    ["{{.Resources.__proto__}}", "unknown field .Resources.__proto__ in the template"],
    ['{{.CPUs.Format "2006"}}', ".CPUs is no time, so it has no .Format"],
    ["{{range .}}x{{end}}", 'the template "{{range .}}x{{end}}" cannot be used: {{range .}} is not in the subset of Go templates known here'],
    ["{{.LastUp.Format}}", 'the template "{{.LastUp.Format}}" cannot be used: {{.LastUp.Format}} is not in the subset of Go templates known here'],
    ["a {{.Name", 'the template "a {{.Name" cannot be used: the action that begins at character 3 has no "}}"'],
  ])("%s", (format, expected) => {
    expect(messageOf(format)).toBe(expected);
  });

  test("an unknown field is one also where there is nothing to list", () => {
    expect(messageOf("{{.Nmae}}", [])).toBe("unknown field .Nmae in the template");
  });
});

test("whatever is typed gives text or a usage error", () => {
  const piece = fc.oneof(
    fc.string(), fc.constantFrom("{{", "}}", ".", "json ", "table ", "\\t", "\\n", "{{.Name}}", "{{json .}}", ".Format", '"2006"', "`", '"', "\\", " ", ...fields),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
    const format = pieces.join("");
    try {
      const parsed = parseFormat(format);
      if (parsed.kind === "template") expect(typeof renderTemplate(parsed, [item], { fields })).toBe("string");
    } catch (error) {
      if (!isMachineError(error)) throw error;
      expect(error.code).toBe("usage");
      expect(error.hint ?? error.message).not.toBe("");
    }
  }), { numRuns: 2000 });
});

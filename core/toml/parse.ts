import { MachineError } from "../errors.ts";

/**
 * What a TOML text says. Throws MachineError "bad-config" with file and line where it is none. The parser is loaded late: most
 * verbs read no TOML.
 */
export async function parseToml(text: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [what = ""] = cause.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new MachineError("bad-config", `${file}:${cause.line}: ${what}`, { cause, details: [cause.codeblock.trimEnd()], hint: "podman cannot read it either. Mend the line, or move the file away." });
  }
}

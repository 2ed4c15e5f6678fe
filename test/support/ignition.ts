import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";

const folder = new URL("../fixtures/ignition-schemas/", import.meta.url);

/** What Ignition's own checker and the published JSON schema have to say about a config; empty when both are content. */
export function problemsOfIgnition(text: string): string[] {
  return [...saidByIgnition(text), ...saidBySchema(text)];
}

/** Runs the real `ignition-validate` (Debian: package ignition). Its warnings count too: an unused key is a misspelt one. */
function saidByIgnition(text: string): string[] {
  const program = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"].map((path) => join(path, "ignition-validate")).find(existsSync);
  if (program === undefined) throw new Error("ignition-validate is not installed; Debian has it in the package ignition");
  const { stdout, stderr, status } = spawnSync(program, ["-"], { input: text, encoding: "utf8" });
  const lines = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  return status === 0 || lines.length > 0 ? lines : [`ignition-validate ended with ${status}`];
}

/** The schema of 3.3 as published, with one addition: no unknown fields. */
function saidBySchema(text: string): string[] {
  const { $schema: _, ...schema } = JSON.parse(readFileSync(new URL("ignition-v3.3.schema.json", folder), "utf8")) as Schema;
  const ajv = new Ajv2019({ allErrors: true, strict: false });
  const validate = ajv.compile(closed(schema));
  return validate(JSON.parse(text)) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
}

type Schema = Readonly<Record<string, unknown>>;

/** Forbids unknown fields wherever a schema lists the known ones. One that is made of several (allOf) is closed as a whole; `node` is such a part. */
function closed(schema: Schema, part = false): Schema {
  const each = (schemas: unknown) => Object.fromEntries(Object.entries(schemas as Record<string, Schema>).map(([name, value]) => [name, closed(value, name === "node")]));
  return {
    ...schema,
    ...("properties" in schema && { properties: each(schema["properties"]) }),
    ...("definitions" in schema && { definitions: each(schema["definitions"]) }),
    ...("items" in schema && { items: closed(schema["items"] as Schema) }),
    ...("allOf" in schema && { allOf: (schema["allOf"] as Schema[]).map((item) => closed(item, true)) }),
    ...(!part && ("properties" in schema || "allOf" in schema) && { unevaluatedProperties: false }),
  };
}

/** What the real `systemd-escape` makes of a path. */
export function systemdEscape(path: string): string {
  return execFileSync("systemd-escape", ["--path", path], { encoding: "utf8" }).trimEnd();
}

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { program, type World } from "../support/world.ts";
import { compare, timeOf, type Measured, type Subject } from "./measure.ts";

/** `list` and `inspect` with one machine, beside a bare start of Node. */
export async function measureShortVerbs(world: World, machine: string, state: string): Promise<Measured[]> {
  const aim = { of: "ratio", most: 2 } as const;
  const bare: Subject = { name: "node -e 0", take: () => timeOf(process.execPath, ["-e", "0"], world) };
  return [
    await compare(`list, one machine, ${state}`, () => timeOf(process.execPath, [program, "list"], world), bare, { count: 21, aim }),
    await compare(`inspect, one machine, ${state}`, () => timeOf(process.execPath, [program, "inspect", machine], world), bare, { count: 21, aim }),
  ];
}

/** `list` with a hundred machines, beside one machine. */
export async function measureManyMachines(world: World, machine: string): Promise<Measured> {
  const many = { env: { ...world.env, XDG_DATA_HOME: join(world.folder, "data-of-many") } };
  const record = JSON.parse(readFileSync(join(world.folder, "data/glowplug/machines", machine, "machine.json"), "utf8")) as { readonly spec: object };
  for (let index = 0; index < 100; index += 1) {
    const name = `${machine}-${index}`;
    const folder = join(many.env.XDG_DATA_HOME, "glowplug/machines", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "machine.json"), JSON.stringify({ ...record, name, spec: { ...record.spec, name } }));
  }
  const one: Subject = { name: "list, one machine", take: () => timeOf(process.execPath, [program, "list"], world) };
  return compare("list, 100 machines", () => timeOf(process.execPath, [program, "list"], many), one, { count: 11 });
}

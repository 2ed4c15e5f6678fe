import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { writeRawDisk } from "../support/disks.ts";
import { World } from "../support/world.ts";

let world: World;
afterEach(async () => world.close());

const common = 'image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", podman: false';
function shop(): void {
  world = new World({});
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  world.write("shop.ts", `const common = { ${common} };\nexport default { web: { ...common }, db: { ...common }, cache: { ...common } };\n`);
}
async function states(): Promise<Record<string, string>> {
  const machines = JSON.parse(await world.ok("list", "--format", "json")) as { Name: string; Running: boolean }[];
  return Object.fromEntries(machines.map(({ Name, Running }) => [Name, Running ? "running" : "stopped"]).sort());
}

describe("a script with several machines", () => {
  it("is brought up, stopped, started and removed as a whole", async () => {
    shop();
    const up = await world.ok("up", "./shop.ts");
    expect(up.split("\n").filter((line) => line.startsWith("Machine")).sort()).toEqual(["cache", "db", "web"].map((name) => `Machine "${name}" started successfully`));
    expect(await states()).toEqual({ cache: "running", db: "running", web: "running" });
    await world.ok("stop", "./shop.ts");
    expect(await states()).toEqual({ cache: "stopped", db: "stopped", web: "stopped" });
    await world.ok("start", "./shop.ts");
    await world.ok("restart", "./shop.ts");
    expect(await states()).toEqual({ cache: "running", db: "running", web: "running" });
    await world.ok("rm", "--force", "./shop.ts");
    expect(await states()).toEqual({});
  });

  it("is used in part when some are named behind it", async () => {
    shop();
    await world.ok("up", "./shop.ts", "web", "db");
    expect(await states()).toEqual({ db: "running", web: "running" });
    await world.ok("stop", "--force", "./shop.ts", "db");
    expect(await states()).toEqual({ db: "stopped", web: "running" });
    expect(await world.glowplug("up", "./shop.ts", "wbe")).toMatchObject({ code: 125, stderr: expect.stringContaining('describes no machine "wbe"; did you mean "web"?') as string });
    expect(await world.glowplug("up", "web", "db")).toMatchObject({ code: 125, stderr: expect.stringContaining("at most 1 argument") as string });
  });

  it("goes on with the others when one fails, and tells which did", async () => {
    shop();
    await world.ok("init", "./shop.ts");
    await world.ok("rm", "--force", "db");
    const started = await world.glowplug("start", "./shop.ts");
    expect(started).toMatchObject({ code: 125, stderr: expect.stringContaining("db: VM does not exist") as string });
    expect(await states()).toEqual({ cache: "running", web: "running" });
  });

  it("puts its machines on a network of their own, each with a card and an address", async () => {
    shop();
    world.write("alone.ts", `export default { ${common} };\n`);
    await world.ok("up", "./shop.ts", "web", "db");
    const plan = JSON.parse(await world.ok("plan", "web", "--json")) as { vm: { line: string } };
    expect(plan.vm.line).toContain(`stream,id=net1,server=off,addr.type=unix,addr.path=${join(world.runtime, "web/lan.sock")}`);
    await world.ok("up", "./alone.ts");
    expect(existsSync(join(world.runtime, "web/lan.sock"))).toBe(true);
    expect(existsSync(join(world.runtime, "alone/lan.sock"))).toBe(false);
    const alone = JSON.parse(await world.ok("plan", "alone", "--json")) as { vm: { line: string } };
    expect(alone.vm.line).not.toContain("id=net1");
  });
});

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesBelow, processesOf, World } from "../support/world.ts";

const names = ["front", "back", "store", "queue"];

/** Four real guests of one script, up at once under gvproxy, and a network of their own between them. */
describe("four machines of one script", () => {
  let world: World;

  beforeAll(async () => {
    world = new World();
    world.write("shop.ts", `const common = { image: "debian-bootstrap", forwarder: "gvproxy", cpus: 1, memory: "512MiB", disk: "8GiB", podman: false };
export default Object.fromEntries(${JSON.stringify(names)}.map((name) => [name, { ...common, units: [{
  name: "page.service", content: "[Service]\\nExecStart=/bin/busybox httpd -f -p 7000 -h /etc\\n[Install]\\nWantedBy=multi-user.target\\n",
}] }]));\n`);
    await world.ok("up", "./shop.ts");
  });
  afterAll(() => world.close());

  interface Listed {
    readonly Name: string;
    readonly State: string;
    readonly Condition: string;
  }
  const listed = async (): Promise<Listed[]> => JSON.parse(await world.ok("list", "--format", "json")) as Listed[];

  it("are up at once, and well", async () => {
    const inspected = JSON.parse(await world.ok("inspect", ...names)) as Listed[];
    expect(inspected.map(({ Name, State, Condition }) => `${Name} ${State} ${Condition}`)).toEqual(names.map((name) => `${name} running ok`));
    expect(await listed()).toHaveLength(4);
  });

  it("have ssh ports, keys and addresses of their own", async () => {
    const inspected = JSON.parse(await world.ok("inspect", ...names)) as { SSHConfig: { Port: number; IdentityPath: string } }[];
    for (const field of ["Port", "IdentityPath"] as const) expect(new Set(inspected.map(({ SSHConfig }) => SSHConfig[field])).size).toBe(4);
    const addresses = await Promise.all(names.map((name) => world.ok("ssh", name, "ip -4 -o addr show | grep -o '198.18[0-9.]*/16'")));
    expect(new Set(addresses).size).toBe(4);
  });

  it("reach each other by name", async () => {
    for (const from of names) {
      const others = names.filter((name) => name !== from);
      expect(await world.ok("ssh", from, others.map((to) => `sudo busybox ping -c 1 -W 20 ${to} > /dev/null && busybox wget -qO- http://${to}:7000/hostname`).join(" && "))).toBe(others.map((to) => `${to}\n`).join(""));
    }
  });

  it("lose one, and have it back by the same name after its restart", async () => {
    await world.ok("stop", "back");
    expect(await world.glowplug("ssh", "front", "sudo busybox ping -c 1 -W 3 back")).toMatchObject({ code: 1 });
    await world.ok("start", "back");
    expect(await world.ok("ssh", "front", "busybox wget -qO- http://back:7000/hostname")).toBe("back\n");
    expect(await world.ok("ssh", "back", "busybox wget -qO- http://queue:7000/hostname")).toBe("queue\n");
  });

  it("are stopped and removed together", async () => {
    await world.ok("rm", "--force", "./shop.ts");
    expect(processesOf(world.folder)).toEqual([]);
    expect([...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([]);
  });
});

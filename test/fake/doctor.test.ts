import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { certificates } from "../fixtures/certificates.ts";
import { writeRawDisk } from "../support/disks.ts";
import { World } from "../support/world.ts";

let world: World;
afterEach(async () => world.close());

interface Answer {
  readonly Ok: boolean;
  readonly Checks: readonly { readonly Check: string; readonly Machine: string | null; readonly Findings: readonly { readonly Id: string; readonly Fix: string }[] }[];
}
async function ask(): Promise<{ readonly code: number | null; readonly ids: readonly string[]; readonly answer: Answer }> {
  const { code, stdout } = await world.glowplug("doctor", "box", "--json");
  const answer = JSON.parse(stdout) as Answer;
  return { code, answer, ids: answer.Checks.filter(({ Machine }) => Machine === "box").flatMap(({ Findings }) => Findings.map(({ Id }) => Id)) };
}
/** What the guest says of itself: clock, zone, disk, failed units, mounts, proxies, certificates that it does not trust, a line each; and its processors. */
function guest(says: { readonly clock?: string; readonly zone?: string; readonly used?: number; readonly failed?: string; readonly mounts?: string; readonly proxies?: string; readonly untrusted?: number; readonly cpus?: number; readonly cpu?: string; readonly flags?: string }): void {
  const lines = [says.clock ?? "$(date +%s.%N)", says.zone ?? "../usr/share/zoneinfo/Europe/Rome", `/dev/vda1 100 50 50 ${says.used ?? 50}% /`, says.failed ?? "", says.mounts ?? "/ /srv/a\\040b", says.proxies ?? "", says.untrusted === undefined ? "" : String(says.untrusted)];
  writeFileSync(join(world.folder, "says.sh"), `cat << END\n${lines.join("\n")}\nEND\n`);
  writeFileSync(join(world.folder, "cpu.sh"), `cat << END\n${[says.cpus ?? 1, says.cpu ?? "Some Processor", says.flags ?? "fpu sse4_1 aes"].join("\n")}\nEND\n`);
}
async function up(): Promise<void> {
  world = new World({});
  world.fakes?.behave({ qemu: { commands: [{ match: "systemctl --failed", run: `. ${join(world.folder, "says.sh")}` }, { match: "nproc", run: `. ${join(world.folder, "cpu.sh")}` }] } });
  world.env["SSL_CERT_FILE"] = world.write("company.pem", certificates.company);
  guest({});
  mkdirSync(join(world.folder, "work/shared"));
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  world.write("box.ts", 'export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", timezone: "Europe/Rome", importNativeCa: true, launcher: ["qemu", { cpu: "max,+aes,+sse4.1" }], volumes: [{ source: "./shared", target: "/srv/a b" }] };\n');
  await world.ok("up", "./box.ts");
}

describe("doctor, of a machine that runs", () => {
  it("finds nothing, then each thing that the guest says is wrong, then nothing again", async () => {
    await up();
    expect(await ask()).toMatchObject({ ids: [], answer: { Ok: true }, code: 0 });
    const wrong = [
      ["clock-off", { clock: "$(($(date +%s) - 3600))" }, 1], ["timezone-differs", { zone: "Asia/Tokyo" }, 0], ["guest-disk-full", { used: 99 }, 0], ["units-failed", { failed: "web.service" }, 0],
      ["volume-not-mounted", { mounts: "/ /proc" }, 1], ["proxy-left", { proxies: "http_proxy" }, 0], ["ca-not-trusted", { untrusted: 1 }, 0],
      ["processors-differ", { cpus: 3 }, 0], ["processor-lacks", { flags: "fpu aes" }, 0],
    ] as const;
    for (const [id, says, code] of wrong) {
      guest(says);
      expect(await ask(), id).toMatchObject({ ids: [id], code });
      guest({});
      expect(await ask(), id).toMatchObject({ ids: [], code: 0 });
    }
  }, 180_000);

  it("tells what the guest's processor is and was to be, and what it lacks", async () => {
    await up();
    guest({ flags: "fpu", cpu: "QEMU TCG CPU version 2.5+" });
    const { answer } = await ask();
    expect(answer.Checks.find(({ Check, Machine }) => Check === "processor" && Machine === "box")).toMatchObject({
      Fact: "1 of max, seen as QEMU TCG CPU version 2.5+", Findings: [{ Id: "processor-lacks", What: "the processor of box was to have aes, sse4.1, and has not: qemu cannot give it here" }],
    });
    world.write("box.ts", readFileSync(join(world.folder, "work/box.ts"), "utf8").replace("max,+aes,+sse4.1", "host"));
    await world.ok("restart", "box");
    expect(await ask()).toMatchObject({ ids: ["processor-not-hosts"] });
    guest({});
    expect(await ask()).toMatchObject({ ids: [] });
  }, 180_000);

  it("tells an image whose image.json is damaged, and nothing once the very same image was brought in again", async () => {
    await up();
    const [{ Id: id } = { Id: "" }] = JSON.parse(await world.ok("image", "ls", "--json")) as { readonly Id: string }[];
    const file = join(world.folder, "images", id, "image.json");
    writeFileSync(file, readFileSync(file, "utf8").slice(0, 50));
    const found = async (): Promise<readonly unknown[]> => (await ask()).answer.Checks.flatMap(({ Findings }) => Findings).filter(({ Id }) => Id.startsWith("image-"));
    expect(await found()).toMatchObject([{ Id: "image-unreadable", Level: "broken", What: `nobody knows what the image ${id.slice(0, 12)} is: ${file} cannot be read; box stands on it`, Fix: "Bring the very same image in again: glowplug image pull" }]);
    expect((await world.glowplug("image", "ls")).stderr).toContain(`Warning: the image ${id.slice(0, 12)} is damaged: ${file} cannot be read`);
    await world.ok("restart", "box");
    await world.ok("image", "pull", "./base.raw");
    expect(await found()).toEqual([]);
    await world.ok("restart", "box");
  }, 180_000);

  it("says in a few lines what is wrong and what to do, and ends with 1", async () => {
    await up();
    guest({ clock: "$(($(date +%s) - 3600))" });
    const { code, stdout } = await world.glowplug("doctor", "box");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^broken box, guest: the clock of box is 3[56]\d\d s behind\n {4}fix: glowplug ssh box sudo date -s @\$\(date \+%s\)\n/m);
    expect(stdout).toMatch(/\d+ checks: 1 broken, /);
    expect(await world.ok("doctor", "box", "--all").catch((error: unknown) => String(error))).toContain("ok box, state: running");
    expect(await world.glowplug("doctor", "nobody")).toMatchObject({ code: 125, stderr: expect.stringContaining("nobody: VM does not exist") as string });
  });
});

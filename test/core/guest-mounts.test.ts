import { expect, test } from "vitest";
import { mountScript } from "../../core/guest-mounts.ts";
import type { ShareMount } from "../../core/vm-plan.ts";
import { guestRoot, type GuestRoot } from "../support/guest-root.ts";

const mount = (target: string, parts: Partial<ShareMount> = {}, readOnly = false): ShareMount => ({ share: { source: "/srv", target, readOnly }, kind: "virtiofs", tag: `volume-${target.length}`, ...parts });

async function settle(guest: GuestRoot, mounts: readonly ShareMount[]): Promise<{ exitCode: number; stderr: string; mounted: readonly string[] }> {
  const { exitCode, stderr } = await guest.event().ssh.exec(["/bin/sh", "-c", mountScript(mounts)]);
  return { exitCode, stderr: stderr.replaceAll(guest.folder, ""), mounted: guest.called().filter((line) => line.startsWith("mount ")).map((line) => line.replaceAll(guest.folder, "")) };
}

test("volumes are mounted at folders that are made, outer ones first", async () => {
  const guest = guestRoot();
  guest.program("mount");
  const { exitCode, mounted } = await settle(guest, [mount("/var/data/with 'quotes' and $HOME"), mount("/var/data", {}, true), mount("/var/nine", { kind: "9p" })]);
  expect(exitCode).toBe(0);
  expect(mounted).toEqual([
    "mount -t virtiofs -o ro volume-9 /var/data",
    "mount -t virtiofs -o rw volume-33 /var/data/with 'quotes' and $HOME",
    "mount -t 9p -o trans=virtio,version=9p2000.L,msize=131072,rw volume-9 /var/nine",
  ]);
});

test("one that cannot be mounted is told, and the others are mounted all the same", async () => {
  const guest = guestRoot();
  guest.program("mount", 'case "$*" in *bad*) echo "mount: unknown filesystem type" >&2; exit 32 ;; esac');
  expect(await settle(guest, [mount("/var/bad"), mount("/var/good")])).toMatchObject({ exitCode: 1, stderr: "/var/bad: mount: unknown filesystem type\n", mounted: [expect.stringContaining("/var/bad"), expect.stringContaining("/var/good")] });
});

test("a device that the guest does not know yet is waited for", async () => {
  const guest = guestRoot();
  guest.program("mount", 'if [ ! -e /var/known ]; then : > /var/known; echo "mount: wrong fs type, bad option, bad superblock on volume-8" >&2; exit 32; fi');
  guest.write("/var/.keep", "");
  expect(await settle(guest, [mount("/var/data")])).toMatchObject({ exitCode: 0, stderr: "", mounted: [expect.anything(), expect.anything()] });
});

test("in an immutable root the target is made as Fedora CoreOS needs it, and the root is immutable again, also where that fails", async () => {
  for (const works of [true, false]) {
    const guest = guestRoot();
    for (const name of ["mount", "chattr"]) guest.program(name);
    guest.program("lsattr", 'echo "----i---------e------- /"');
    // Where the root lets nobody in: until chattr was asked.
    guest.program("mkdir", `if grep -q 'chattr -i' ${guest.folder}/calls && ${works}; then /bin/mkdir "$@"; else echo "mkdir: cannot create directory: Operation not permitted" >&2; exit 1; fi`);
    const { exitCode, stderr } = await settle(guest, [mount("/var/Users")]);
    expect({ exitCode, stderr }).toEqual(works ? { exitCode: 0, stderr: "" } : { exitCode: 1, stderr: "/var/Users: mkdir: cannot create directory: Operation not permitted\n" });
    expect(guest.called().filter((line) => line.startsWith("chattr"))).toEqual(["chattr -i /", "chattr +i /"]);
  }
});

test("a volume that is lost is kept out of everybody's way, and mounted anew at its place; one that is dead is left alone", async () => {
  const guest = guestRoot();
  guest.program("mount", 'if [ "$1" = --bind ]; then echo "volume-9 $3 virtiofs rw 0 0" >> /var/mounts; fi');
  const at = (path: string): string => `${guest.folder}${path}`;
  guest.write("/var/mounts", `volume-9 ${at("/var/a\\040b")} virtiofs rw 0 0\nvolume-10 ${at("/var/other")} virtiofs rw 0 0\n`);
  // The kernel's list writes a blank as \040, and what is unmounted has the blank.
  guest.program("umount", `grep -v ' ${at("/var/a")}' /var/mounts > /var/rest; mv /var/rest /var/mounts`);
  const lost = mount("/var/a b", { tag: "volume-9", dead: true });
  const script = mountScript([mount("/var/a b", { tag: "volume-9-2" }), mount("/var/other", { tag: "volume-10", dead: true })], [], [lost]).replaceAll("/proc/self/mounts", "/var/mounts").replaceAll("/dev/glowplug-lost", "/var/lost");
  const run = async (): Promise<{ exitCode: number; stderr: string }> => guest.event().ssh.exec(["/bin/sh", "-c", script]);
  expect(await run()).toMatchObject({ exitCode: 0, stderr: "" });
  const calls = (): readonly string[] => guest.called().map((line) => line.replaceAll(guest.folder, ""));
  const done = ["mount --bind /var/a b /var/lost/volume-9", "umount -l /var/a b", "mount -t virtiofs -o rw volume-9-2 /var/a b"];
  expect(calls()).toEqual(done);
  guest.write("/var/mounts", `${guest.read("/var/mounts")}volume-9-2 ${at("/var/a\\040b")} virtiofs rw 0 0\n`);
  expect(await run()).toMatchObject({ exitCode: 0, stderr: "" });
  expect(calls()).toEqual(done);
});

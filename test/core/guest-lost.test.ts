import { expect, test } from "vitest";
import { forgetScript, nobodyWaits } from "../../core/guest-lost.ts";
import { guestRoot, type GuestRoot } from "../support/guest-root.ts";

async function look(guest: GuestRoot): Promise<number> {
  const script = nobodyWaits.replaceAll("/proc/", "/var/proc/");
  return (await guest.event().ssh.exec(["/bin/sh", "-c", script])).exitCode;
}

test.each<[string, Readonly<Record<string, string>>, number]>([
  ["a guest whose programs do other things", { stack: "[<0>] do_wait+0x5f/0xb0\n[<0>] kernel_wait4+0xa3/0x150\n", wchan: "do_wait" }, 0],
  ["a guest with a program in a file system of FUSE's", { stack: "[<0>] folio_wait_bit_common+0x12c/0x300\n[<0>] fuse_file_read_iter+0x1/0x2 [fuse]\n", wchan: "folio_wait_bit_common" }, 1],
  ["a guest whose kernel shows no stacks", { wchan: "request_wait_answer" }, 1],
])("whether somebody waits: %s", async (_, files, code) => {
  const guest = guestRoot();
  for (const [name, text] of Object.entries(files)) guest.write(`/var/proc/17/task/18/${name}`, text);
  expect(await look(guest)).toBe(code);
});

test("programs that are met now and then don't wait", async () => {
  const guest = guestRoot();
  guest.write("/var/proc/17/task/18/wchan", "request_wait_answer");
  guest.write("/var/proc/19/task/20/wchan", "request_wait_answer");
  guest.write("/var/proc/21/task/22/wchan", "do_wait");
  // One is met the first time, another from then on.
  guest.program("sleep", "mv /var/proc/17/task/18/wchan /var/proc/21/task/22/wchan; rm -f /var/proc/19/task/20/wchan");
  expect(await look(guest)).toBe(0);
});

test("one program that waits among those that don't is enough", async () => {
  const guest = guestRoot();
  guest.write("/var/proc/17/task/18/wchan", "request_wait_answer");
  guest.write("/var/proc/19/task/20/wchan", "request_wait_answer");
  guest.program("sleep", "rm -f /var/proc/19/task/20/wchan");
  expect(await look(guest)).toBe(1);
});

test("a lost volume is forgotten by its tag", () => {
  expect(forgetScript("volume-1")).toBe("umount -l /dev/glowplug-lost/volume-1 && rmdir /dev/glowplug-lost/volume-1");
});

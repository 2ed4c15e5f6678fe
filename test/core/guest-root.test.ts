import { expect, test } from "vitest";
import { execAsRoot } from "../../core/guest-root.ts";
import type { ExecResult, GuestShell } from "../../core/model.ts";

function guestThat(answer: Partial<ExecResult>): GuestShell & { readonly asked: (readonly string[])[] } {
  const asked: (readonly string[])[] = [];
  return { asked, exec: async (command) => (asked.push(command as readonly string[]), { exitCode: 0, stdout: "", stderr: "", ...answer }) };
}

test("the login user goes through sudo, and root does not", async () => {
  const guest = guestThat({ stdout: "done" });
  expect(await execAsRoot(guest, "core", ["id", "-u"])).toMatchObject({ stdout: "done" });
  await execAsRoot(guest, "root", ["id", "-u"]);
  expect(guest.asked).toEqual([["sudo", "-n", "id", "-u"], ["id", "-u"]]);
});

test("a command that fails is told to the caller", async () => {
  expect(await execAsRoot(guestThat({ exitCode: 127, stderr: "sh: 1: frob: not found" }), "core", ["frob"])).toMatchObject({ exitCode: 127 });
});

test.each([
  ["it has no sudo", { exitCode: 127, stderr: "sh: 1: sudo: not found\n" }],
  ["it has no sudo", { exitCode: 127, stderr: "bash: line 1: sudo: command not found\n" }],
  ["its sudo refuses that", { exitCode: 1, stderr: "sudo: a password is required\n" }],
  ["its sudo refuses that", { exitCode: 1, stderr: "core is not in the sudoers file.\nsudo: not allowed\n" }],
])("a guest without rights for its user is named: %s", async (why, answer) => {
  await expect(execAsRoot(guestThat(answer), "core", ["id"])).rejects.toMatchObject({ code: "ssh", message: `core cannot act as root in the guest: ${why}`, hint: expect.stringContaining("sudo") as string });
});

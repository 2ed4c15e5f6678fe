import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { identityOf } from "../../core/process-identity.ts";
import { processesRunning, runningProcesses } from "../../core/process-table.ts";

const qemu = { program: "/usr/bin/qemu-system-x86_64", argv: ["-name", "web", "-qmp", "unix:/run/glowplug/web/qmp.sock,server=on", "-m", "22"] };
const fenced = { program: "/usr/bin/bwrap", argv: ["--ro-bind", "/", "/", "--", "/usr/bin/gvproxy", "-listen", "unix:///run/glowplug/web/net/api.sock"] };
const folder = "/run/glowplug/web";
/** This process's number stands for each: it lives. */
const found = (line: string): boolean => processesRunning([qemu, fenced], folder, [{ pid: process.pid, line }]).length === 1;

test.each([
  ["the very command", `${qemu.program} ${qemu.argv.join(" ")}`],
  ["a script in its place, with its interpreter", `node ${qemu.program} ${qemu.argv.join(" ")}`],
  ["what a fence set off", "/usr/bin/gvproxy -listen unix:///run/glowplug/web/net/api.sock"],
  ["the fence", `${fenced.program} ${fenced.argv.join(" ")}`],
])("%s is one of a machine's processes", (_, line) => {
  expect(found(line)).toBe(true);
});

test.each([
  ["the command of another machine", `${qemu.program} ${qemu.argv.join(" ")}`.replaceAll("web", "web2")],
  ["the command with other words", `${qemu.program} ${qemu.argv.join(" ")} -S`],
  ["a program of the user's that names a socket of it", "docker -H unix:///run/glowplug/web/podman.sock ps"],
  ["a word that the command ends in", "22"],
  ["nothing", ""],
])("%s is none", (_, line) => {
  expect(found(line)).toBe(false);
});

test("every process is in the table with its words, this one is not, and one that has ended is no longer", async () => {
  const child = spawn("sleep", ["1234.5"], { stdio: "ignore" });
  onTestFinished(() => void child.kill());
  await once(child, "spawn");
  await expect.poll(() => runningProcesses().find(({ pid }) => pid === child.pid)?.line).toBe("sleep 1234.5");
  expect(runningProcesses().some(({ pid }) => pid === process.pid)).toBe(false);
  expect(processesRunning([{ program: "sleep", argv: ["1234.5"] }], "", [{ pid: child.pid ?? 0, line: "sleep 1234.5" }])).toEqual([]); // names no folder
  const gone = identityOf(child.pid ?? 0);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(runningProcesses().some(({ pid }) => pid === gone?.pid)).toBe(false);
});

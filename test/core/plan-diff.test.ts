import { expect, test } from "vitest";
import { Command } from "../../core/command.ts";
import { planDiffText } from "../../core/cli/plan-diff-text.ts";
import type { KeeperPlan } from "../../core/keeper/plan.ts";
import { diffPlans } from "../../core/plan-diff.ts";
import type { Plan, PlannedCommand } from "../../core/plan.ts";

const vm = (): Command => new Command("/usr/bin/vm", { name: "vm" }).add("-m", "2048M").add("-smp", 2).add("-device", "a").add("-device", "b").add("-nodefaults");
const shown = (command: Command): PlannedCommand => ({ name: command.name, program: command.program, entries: command.entries, line: command.toString() });
const forwarder = new Command("/usr/bin/fence", { name: "net" }).add("--bind").add("/a").add("/a").add("--").add("/usr/bin/net").add("-listen", "unix:///x");
const port = { host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" } as const;

const running = {
  vm: vm().toRecord(), helpers: [], forwarder: { command: forwarder.toRecord(), listens: [] }, ssh: { host: "127.0.0.1", port: 40022 }, sockets: [{ host: "/run/a", guest: "/b" }],
} as unknown as KeeperPlan;
const next = {
  name: "web", vm: shown(vm()), helpers: [], forwarder: shown(forwarder), ssh: { host: "127.0.0.1", port: 40022 }, ports: [port], sockets: [{ host: "/run/a", guest: "/b" }],
} as unknown as Plan;

test("a next start that is as the running one has no difference", () => {
  expect(diffPlans(running, [port], next)).toEqual({ name: "web", same: true, parts: [] });
  expect(planDiffText(diffPlans(running, [port], next))).toBe("The next start of web would be as the running one\n");
});

test("command lines differ flag by flag, in their order, with the plugin behind what is new", () => {
  const command = vm().set("-m", "4096M").drop("-device", "a");
  command.author = "mine";
  command.add("-device", "c").add("-snapshot");
  const diff = diffPlans(running, [port], { ...next, vm: shown(command) });
  expect(diff).toEqual({
    name: "web", same: false, parts: [{ part: "VM", lines: [
      { sign: "-", text: "-m 2048M" }, { sign: "+", text: "-m 4096M" }, { sign: "-", text: "-device a" }, { sign: "+", text: "-device c", by: "mine" }, { sign: "+", text: "-snapshot", by: "mine" },
    ] }],
  });
  expect(planDiffText(diff)).toBe([
    "web: - runs now, + the next start", "", "VM", "  - -m 2048M", "  + -m 4096M", "  - -device a", "  + -device c  # by mine", "  + -snapshot  # by mine", "",
  ].join("\n"));
});

test("programs, ports, sockets, ssh, and helpers that come and go are told", () => {
  const helper = new Command("/usr/bin/share", { name: "share" }).add("--dir", "/srv");
  const { forwarder: _, ...without } = next;
  const diff = diffPlans(running, [port, { ...port, hostPort: 9000 }], {
    ...without, helpers: [shown(helper)], ssh: { host: "127.0.0.1", port: 40023 }, ports: [{ ...port, hostPort: 8081 }, port], sockets: [], vm: { ...shown(vm()), program: "/opt/vm" },
  });
  expect(diff.parts).toEqual([
    { part: "Forwarder", lines: ["/usr/bin/fence", "--bind /a /a", "-- /usr/bin/net", "-listen unix:///x"].map((text) => ({ sign: "-", text })) },
    { part: "Helper: share", lines: ["/usr/bin/share", "--dir /srv"].map((text) => ({ sign: "+", text })) },
    { part: "VM", lines: [{ sign: "-", text: "/usr/bin/vm" }, { sign: "+", text: "/opt/vm" }] },
    { part: "ssh", lines: [{ sign: "-", text: "127.0.0.1:40022" }, { sign: "+", text: "127.0.0.1:40023" }] },
    { part: "Ports", lines: [{ sign: "-", text: "127.0.0.1:9000:80/tcp" }, { sign: "+", text: "127.0.0.1:8081:80/tcp" }] },
    { part: "Sockets", lines: [{ sign: "-", text: "/run/a to /b" }] },
  ]);
});

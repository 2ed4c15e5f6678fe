import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { MachineError } from "../../../core/errors.ts";
import type { Children } from "../../../core/keeper/children.ts";
import type { VmControl } from "../../../core/keeper/control.ts";
import type { KeeperPlan } from "../../../core/keeper/plan.ts";
import { Shares } from "../../../core/keeper/shares.ts";
import type { QmpStep, ShareMount } from "../../../core/roles/launcher.ts";
import { scratchFolder } from "../../fixtures/login.ts";

const mount = (target: string): ShareMount => ({ share: { source: "/src", target, readOnly: false }, kind: "virtiofs", tag: target.slice(1), slot: "port1" });

/** The folders of a VM whose monitor notes what it is asked, and refuses some of that. */
function sharesIn(folder: string, refuses = (_step: QmpStep): boolean => false, helperWords: object = { program: "virtiofsd", argv: [] }) {
  const said: string[] = [];
  const retired: string[] = [];
  const helper = { name: "virtiofsd /half", role: "helper" };
  const children = { living: [helper], expectEnd: () => {}, retire: async ({ name }: { name: string }) => void retired.push(name) };
  const qmp = {
    step: async (step: QmpStep) => {
      said.push(`${step.execute} ${JSON.stringify(step.arguments)}`);
      if (refuses(step)) throw new MachineError("keeper", `refused ${step.execute}`);
    },
  };
  const plan = {
    name: "web", folders: { runtime: folder }, mounts: [mount("/planned")], helpers: [],
    hotShares: {
      kind: "virtiofs", slots: ["port1", "port2"], socket: "{tag}.sock", writable: { name: "virtiofsd {target}", ...helperWords }, add: [],
      remove: [{ execute: "device_del", arguments: { id: "{tag}" } }, { execute: "chardev-remove", arguments: { id: "{tag}" } }],
    },
  } as unknown as KeeperPlan;
  return { shares: new Shares(plan, children as unknown as Children, { qmp } as unknown as VmControl), said, retired, noted: () => JSON.parse(readFileSync(join(folder, "shares.json"), "utf8")) as unknown };
}

it("takes from the VM what was plugged or unplugged when its keeper was lost, and nothing else", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "shares.json"), JSON.stringify([mount("/there"), { ...mount("/half"), halfway: true }]));
  const { shares, said, retired, noted } = sharesIn(folder, ({ execute }) => execute === "device_del");
  expect([shares.list, shares.isHalfway("virtiofsd /half"), shares.isHalfway("virtiofsd /there")]).toEqual([[mount("/there")], true, false]);
  await shares.settle();
  expect(said).toEqual(['device_del {"id":"half"}', 'chardev-remove {"id":"half"}']);
  expect(retired).toEqual(["virtiofsd /half"]);
  expect([shares.list, noted()]).toEqual([[mount("/there")], [mount("/there")]]);
  await shares.settle();
  expect(said).toHaveLength(2);
});

it("ends what was spawned for it and not written down any more, and no helper that serves what has come in the place of a dead one", async () => {
  const folder = scratchFolder();
  const words = ["-e", "setInterval(() => {}, 60_000)", `${folder}/new.sock`];
  const unnoted = spawn(process.execPath, words, { detached: true, stdio: "ignore" });
  onTestFinished(() => void unnoted.kill("SIGKILL"));
  await once(unnoted, "spawn");
  const ended = once(unnoted, "exit");
  writeFileSync(join(folder, "shares.json"), JSON.stringify([{ ...mount("/half"), tag: "half-2" }, { ...mount("/half"), dead: true, halfway: true }, { ...mount("/new"), halfway: true }]));
  const { shares, retired } = sharesIn(folder, () => false, { program: process.execPath, argv: [...words.slice(0, -1), `${folder}/{tag}.sock`] });
  await shares.settle();
  expect(await ended).toEqual([null, "SIGKILL"]);
  expect([shares.list, retired]).toEqual([[{ ...mount("/half"), tag: "half-2" }], []]);
});

it("notes what it is about to unplug, and that it is still there where it stays", async () => {
  const folder = scratchFolder();
  const seen: unknown[] = [];
  const { shares, noted } = sharesIn(folder, () => (seen.push(noted()), true));
  await expect(shares.remove("/planned")).rejects.toThrow("refused device_del");
  expect(seen).toEqual([[{ ...mount("/planned"), halfway: true }]]);
  expect([shares.list, noted()]).toEqual([[mount("/planned")], [mount("/planned")]]);
});

it("knows what has nothing behind it any more from its lost keeper, and takes it from the VM when asked", async () => {
  const folder = scratchFolder();
  const lost = { ...mount("/there"), tag: "there-2", dead: true };
  writeFileSync(join(folder, "shares.json"), JSON.stringify([mount("/there"), { ...lost, lost: true }]));
  const { shares, said, noted } = sharesIn(folder);
  expect([shares.list, shares.lost]).toEqual([[mount("/there")], [lost]]);
  shares.bury("/there");
  expect(noted()).toEqual([{ ...mount("/there"), dead: true }, { ...lost, lost: true }]);
  for (const one of shares.lost) await shares.drop(one);
  expect(said).toEqual(['device_del {"id":"there-2"}', 'chardev-remove {"id":"there-2"}']);
  // The guest has let go of it before, and its device stays.
  await shares.remove("/there");
  expect(said).toHaveLength(2);
  expect([shares.list, noted()]).toEqual([[], [{ ...mount("/there"), dead: true, lost: true }]]);
});

it("holds a folder for dead that cannot be noted as such, and gives none back to a machine that goes down", async () => {
  const folder = scratchFolder();
  const { shares } = sharesIn(folder);
  // As on a full disk, nothing can be written there.
  mkdirSync(join(folder, "shares.json.new"));
  shares.bury("/planned");
  expect(shares.list).toEqual([{ ...mount("/planned"), dead: true }]);
  await expect(shares.revive("/planned", AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  expect([shares.list, shares.lost]).toEqual([[{ ...mount("/planned"), dead: true }], []]);
});

it("keeps a device that the guest does not let go", async () => {
  const folder = scratchFolder();
  const lost = { ...mount("/there"), tag: "there-2", dead: true };
  writeFileSync(join(folder, "shares.json"), JSON.stringify([{ ...lost, lost: true }]));
  const { shares, noted } = sharesIn(folder, () => true);
  await expect(shares.drop(shares.lost[0] ?? mount("/"))).rejects.toThrow("refused device_del");
  expect([shares.lost, noted()]).toEqual([[lost], [{ ...lost, lost: true }]]);
});

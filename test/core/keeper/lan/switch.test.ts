import { existsSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { LanDecoder } from "../../../../core/keeper/lan/frames.ts";
import type { LanPlan } from "../../../../core/keeper/lan/plan.ts";
import { LanSwitch } from "../../../../core/keeper/lan/switch.ts";
import { scratchFolder } from "../../../fixtures/login.ts";
import { lanFrame, textOf } from "../../../support/lan.ts";

const everybody = "ff:ff:ff:ff:ff:ff";
const macs: Readonly<Record<string, string>> = { a: "02:00:00:00:00:0a", b: "02:00:00:00:00:0b", c: "02:00:00:00:00:0c" };

/** A machine on the network: its switch, and what plays its card. */
interface Member {
  readonly plan: LanPlan;
  readonly got: string[];
  lan: LanSwitch;
  card: Socket;
  send(to: string, text: string): void;
}

function planOf(folder: string, name: string, others: readonly string[], network = "net"): LanPlan {
  const own = (other: string): string => join(folder, `${other}-own.sock`);
  return { network, name, card: join(folder, `${name}-card.sock`), own: own(name), others: Object.fromEntries(others.map((other) => [other, own(other)])) };
}

async function member(plan: LanPlan): Promise<Member> {
  const got: string[] = [];
  const lan = await opened(plan);
  const card = await plug(plan, got);
  const made: Member = { plan, got, lan, card, send: (to, text) => made.card.write(lanFrame(macs[to] ?? to, macs[plan.name] ?? "", text)) };
  return made;
}

async function opened(plan: LanPlan): Promise<LanSwitch> {
  const lan = new LanSwitch(plan);
  onTestFinished(() => lan.close());
  await lan.open();
  return lan;
}

async function plug(plan: LanPlan, got: string[]): Promise<Socket> {
  const card = connect(plan.card);
  onTestFinished(() => void card.destroy());
  const decoder = new LanDecoder();
  card.on("data", (chunk) => got.push(...decoder.push(chunk as Buffer).map(textOf)));
  card.on("error", () => {});
  await new Promise((done) => card.once("connect", done));
  return card;
}

async function network(...names: string[]): Promise<Member[]> {
  const folder = scratchFolder();
  const members: Member[] = [];
  for (const name of names) members.push(await member(planOf(folder, name, names.filter((other) => other !== name))));
  await vi.waitFor(() => {
    for (const { lan, plan } of members) expect(lan.peers).toEqual(names.filter((name) => name !== plan.name).sort());
  });
  return members;
}

describe("the network that machines share", () => {
  it("carries what is for everybody to every other machine, once", async () => {
    const [a, b, c] = await network("a", "b", "c");
    a?.send(everybody, "who is there?");
    await vi.waitFor(() => expect([b?.got, c?.got]).toEqual([["who is there?"], ["who is there?"]]));
    b?.send(everybody, "last");
    await vi.waitFor(() => expect([a?.got, c?.got.at(-1)]).toEqual([["last"], "last"]));
    expect(b?.got).toEqual(["who is there?"]);
  });

  it("carries what is for one machine to that one alone, once it has been heard", async () => {
    const [a, b, c] = await network("a", "b", "c");
    b?.send(everybody, "here is b");
    await vi.waitFor(() => expect([a?.got, c?.got]).toEqual([["here is b"], ["here is b"]]));
    a?.send("b", "for b");
    a?.send(everybody, "for all");
    await vi.waitFor(() => expect([b?.got, c?.got]).toEqual([["for b", "for all"], ["here is b", "for all"]]));
  });

  it("has one connection between two machines that called each other", async () => {
    const folder = scratchFolder();
    const [a, b] = await Promise.all([member(planOf(folder, "a", ["b"])), member(planOf(folder, "b", ["a"]))]);
    await vi.waitFor(() => expect([a.lan.peers, b.lan.peers]).toEqual([["b"], ["a"]]));
    a.send(everybody, "one");
    b.send(everybody, "two");
    await vi.waitFor(() => expect([a.got, b.got]).toEqual([["two"], ["one"]]));
  });

  it("takes a machine in that was made later and is in nobody's plan", async () => {
    const folder = scratchFolder();
    const a = await member(planOf(folder, "a", []));
    const b = await member(planOf(folder, "b", ["a"]));
    await vi.waitFor(() => expect([a.lan.peers, b.lan.peers]).toEqual([["b"], ["a"]]));
  });

  it("comes back when a lost keeper is replaced, whoever had called", async () => {
    const folder = scratchFolder();
    const a = await member(planOf(folder, "a", []));
    const b = await member(planOf(folder, "b", ["a"]));
    await vi.waitFor(() => expect(b.lan.peers).toEqual(["a"]));
    a.lan.close();
    await vi.waitFor(() => expect(b.lan.peers).toEqual([]));
    a.lan = await opened({ ...a.plan, others: { b: b.plan.own } });
    a.card = await plug(a.plan, a.got);
    await vi.waitFor(() => expect([a.lan.peers, b.lan.peers]).toEqual([["b"], ["a"]]));
    b.send(everybody, "again");
    await vi.waitFor(() => expect(a.got).toEqual(["again"]));
  });

  it("goes on with a card that is plugged anew", async () => {
    const [a, b] = await network("a", "b");
    if (!a || !b) throw new Error("no network");
    a.card = await plug(a.plan, a.got);
    await vi.waitFor(() => {
      a.send(everybody, "new card");
      expect(b.got).toContain("new card");
    });
  });

  it("takes nobody in from another network, and no stranger who talks garbage", async () => {
    const folder = scratchFolder();
    const a = await member(planOf(folder, "a", []));
    const closed = (hello: string): Promise<string> => new Promise((done) => {
      const socket = connect(a.plan.own, () => socket.write(hello));
      socket.on("error", () => {}).on("close", () => done("closed"));
    });
    expect(await closed(`${JSON.stringify({ network: "other", name: "b" })}\n`)).toBe("closed");
    expect(await closed("GET / HTTP/1.1\r\n\r\n")).toBe("closed");
    expect(await closed(`${JSON.stringify({ network: "net", name: "a" })}\n`)).toBe("closed");
    expect(a.lan.peers).toEqual([]);
  });

  it("has sockets for their owner alone, and leaves none", async () => {
    const [a] = await network("a", "b");
    if (!a) throw new Error("no network");
    for (const path of [a.plan.card, a.plan.own]) expect(statSync(path).mode & 0o777).toBe(0o600);
    a.lan.close();
    for (const path of [a.plan.card, a.plan.own]) expect(existsSync(path)).toBe(false);
  });
});

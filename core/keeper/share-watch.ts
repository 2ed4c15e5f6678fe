import type { ShareMount } from "../roles/launcher.ts";
import { pause } from "./again.ts";
import type { ChildExit } from "./child.ts";
import type { Parts } from "./parts.ts";
import { ShareWard, waitingFor } from "./share-ward.ts";
import type { Watch } from "./watch.ts";

/** Longest wait for what goes on when a machine ends. */
const endMs = 5000;

/** Brings back what serves a folder of the host when it ends, and has the guest mount the folder anew. */
export const watchShares: Watch = (parts) => {
  const { children, control, ready, shares } = parts;
  const over = new AbortController();
  const wards = new Map<string, ShareWard>();
  const working = new Set<Promise<void>>();
  const work = (job: Promise<void>): void => {
    working.add(job);
    void job.finally(() => working.delete(job));
  };
  const bringBack = (target: string, helper: string, exit: ChildExit | undefined): void => {
    const ward = wards.get(target) ?? new ShareWard(target, helper, parts, over.signal);
    wards.set(target, ward);
    shares.bury(target);
    work(ward.bringBack(exit));
  };
  for (const { target, helper } of shares.orphans) bringBack(target, helper, undefined);
  let left: readonly ShareMount[] = [];
  const offs = [
    children.onEnd((child) => {
      const target = shares.servedBy(child)?.share.target;
      if (target !== undefined) void child.exited.then((exit) => bringBack(target, child.name, exit));
    }),
    // A guest that has booted since waits for nothing that was lost before.
    control.onEvent(({ event }) => {
      if (event === "RESET") left = shares.lost;
    }),
    ready.onAgain(() => work(dropAll(left, parts))),
  ];
  return async () => {
    for (const off of offs) off();
    over.abort();
    // What was just begun is known to whoever ends everything.
    await Promise.race([Promise.all(working), pause(endMs)]);
  };
};

async function dropAll(lost: readonly ShareMount[], { shares, problems }: Parts): Promise<void> {
  for (const mount of lost) {
    problems.clear(waitingFor(mount.share.target));
    await shares.drop(mount).catch(() => {}); // it takes a place of the VM's, and nothing else
  }
}

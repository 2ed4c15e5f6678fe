import { isObject } from "../json.ts";
import type { Watch } from "./watch.ts";

/**
 * Tells when the VM cannot write to its disk, or read it. QEMU stops a VM whose host has no room left, and it stands still until somebody
 * lets it go on (BLOCK_IO_ERROR in qapi/block-core.json): it is let go on once there is room again.
 */
export const watchDisk: Watch = ({ control, problems, plan: { name } }) => {
  let timer: NodeJS.Timeout | undefined;
  const goOn = (): void => void control.qmp?.execute("cont").catch(() => {});
  const stand = (why: string): void => {
    problems.set("disk", `${name} stands still: ${why}`);
    clearTimeout(timer);
    timer = setTimeout(goOn, againMs).unref();
  };
  const off = control.onEvent(({ event, data }) => {
    if (event === "RESUME") problems.clear("disk");
    if (event !== "BLOCK_IO_ERROR") return;
    const why = data?.["nospace"] === true ? "the host has no room left for its disk" : `its disk failed: ${String(data?.["reason"] ?? data?.["operation"])}`;
    if (data?.["action"] === "stop") stand(why);
    else problems.set("disk", why);
  });
  // It may have stopped while nobody looked after it. The state is QEMU's (RunState in qapi/run-state.json).
  void control.qmp?.execute("query-status").then((state) => {
    if (isObject(state) && state["status"] === "io-error") stand("its disk failed, or the host has no room left for it");
  }, () => {});
  return () => {
    off();
    clearTimeout(timer);
  };
};

/** A VM whose disk is full is let go on that long after it stopped; it stops again at once where there is still no room. */
const againMs = 10_000;

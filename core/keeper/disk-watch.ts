import type { Watch } from "./watch.ts";

/**
 * Tells when the VM cannot write to its disk, or read it. QEMU stops a VM whose host has no room left, and it stands still until somebody
 * lets it go on (BLOCK_IO_ERROR in qapi/block-core.json): it is let go on once there is room again.
 */
export const watchDisk: Watch = ({ control, problems, plan: { name } }) => {
  let timer: NodeJS.Timeout | undefined;
  const goOn = (): void => void control.qmp?.execute("cont").catch(() => {});
  const off = control.onEvent(({ event, data }) => {
    if (event === "RESUME") problems.clear("disk");
    if (event !== "BLOCK_IO_ERROR") return;
    const stands = data?.["action"] === "stop";
    const why = data?.["nospace"] === true ? "the host has no room left for its disk" : `its disk failed: ${String(data?.["reason"] ?? data?.["operation"])}`;
    problems.set("disk", stands ? `${name} stands still: ${why}` : why);
    if (stands) {
      clearTimeout(timer);
      timer = setTimeout(goOn, againMs).unref();
    }
  });
  return () => {
    off();
    clearTimeout(timer);
  };
};

/** A VM whose disk is full is let go on that long after it stopped; it stops again at once where there is still no room. */
const againMs = 10_000;

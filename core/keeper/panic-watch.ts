import { endChild } from "./child.ts";
import type { Watch } from "./watch.ts";

/** A guest that lives answers within this time, also on a slow host. */
const answerMs = 20_000;

/**
 * Ends the VM of a guest whose kernel has panicked where nothing else does: a guest without a driver for the VM's panic device stands
 * still for ever. The words on the console are believed once ssh does not answer any more: whoever is root in the guest can print them.
 */
export const watchPanic: Watch = ({ console, connections, control, children }) => {
  let isLooking = false;
  const look = async (): Promise<void> => {
    const alive = await connections.shell().exec("true", { timeoutMs: answerMs }).then(() => true, () => false);
    if (alive || !children.vm) return;
    control.panicked();
    await endChild(children.vm, 2000);
  };
  return console.onPanic(() => {
    if (isLooking) return;
    isLooking = true;
    void look().catch(() => {}).finally(() => (isLooking = false));
  });
};

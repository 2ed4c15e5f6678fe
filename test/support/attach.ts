import { once } from "node:events";
import type { BootPlan } from "glowplug";
import { waitListening } from "../../core/keeper/listening.ts";
import { dial, Qmp } from "../../core/keeper/qmp.ts";
import { openReadyPort } from "../../core/keeper/ready.ts";

/** A VM's console, ready port and monitor. */
export interface AttachedVm {
  readonly qmp: Qmp;
  readonly ready: Awaited<ReturnType<typeof openReadyPort>>;
  /** Resolves once the console has printed it. */
  printed(wanted: string): Promise<void>;
}

/** Connects to a VM that was spawned by its plan, as the keeper does. It is still paused, so nothing that it prints is lost. */
export async function attach({ console, ready, control }: BootPlan, death: Promise<never> = new Promise(() => {})): Promise<AttachedVm> {
  if (!console || control.kind !== "qmp") throw new Error("no console or monitor planned");
  await waitListening([console.path, ready.path, control.path], { timeoutMs: 20_000, signal: new AbortController().signal, who: "qemu", death });
  const serial = await dial(console.path);
  let text = "";
  serial.on("error", () => {}).on("data", (part: Buffer) => (text += part.toString()));
  const printed = async (wanted: string): Promise<void> => {
    while (!text.includes(wanted)) await once(serial, "data");
  };
  return { printed, ready: await openReadyPort(ready), qmp: await Qmp.open(control.path, 20_000) };
}

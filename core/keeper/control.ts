import { MachineError } from "../errors.ts";
import { killIdentity } from "../process-identity.ts";
import type { ControlPlan } from "../roles/launcher.ts";
import { again } from "./again.ts";
import type { Child } from "./child.ts";
import { Qmp, type QmpEvent } from "./qmp.ts";
import { RestControl } from "./rest.ts";

/** How the VM is spoken to: its monitor, its HTTP interface, or signals alone. */
export class VmControl {
  #qmp: Qmp | undefined;
  #rest: RestControl | undefined;
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #cause: string | undefined;
  #hasPanicked = false;

  /** Connects, and lets a VM run that was started paused; one that is up already runs as it does. */
  async open(plan: ControlPlan, limitMs: number, signal: AbortSignal, isUp = false): Promise<void> {
    if (plan.kind === "rest") {
      const rest = new RestControl(plan.path);
      await again(() => rest.state(), signal, () => false);
      this.#rest = rest;
    }
    if (plan.kind !== "qmp") return;
    this.#qmp = await Qmp.open(plan.path, limitMs);
    this.#qmp.onEvent((event) => {
      if (event.event === "SHUTDOWN") this.#cause = String(event.data?.["reason"] ?? "shutdown");
      if (event.event === "GUEST_PANICKED") this.panicked();
      for (const listener of this.#listeners) listener(event);
    });
    if (plan.paused && !isUp) await this.#qmp.execute("cont");
  }

  /** QEMU's monitor, where that is the way. */
  get qmp(): Qmp | undefined {
    return this.#qmp;
  }

  /** Why the VM goes down, in its own words; undefined as long as it has not said so. */
  get cause(): string | undefined {
    return this.#cause;
  }

  /** Whether the guest is known to have panicked. */
  get hasPanicked(): boolean {
    return this.#hasPanicked;
  }

  /** The guest has panicked. A VM with a device for it tells that by itself. */
  panicked(): void {
    this.#hasPanicked = true;
  }

  /** Calls back for what QEMU reports until the returned function is called. Other VMs report nothing. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs a line of the human monitor. */
  monitor(line: string): Promise<string> {
    return this.#qmp?.monitor(line) ?? Promise.reject(new MachineError("keeper", "this VM has no monitor"));
  }

  /** Presses the guest's power button. False where that cannot be done in time. */
  async powerDown(vm: Child, limitMs: number): Promise<boolean> {
    try {
      if (this.#qmp) await this.#qmp.execute("system_powerdown", undefined, Math.min(limitMs, 10_000));
      else if (this.#rest) await this.#rest.order("Stop");
      else return killIdentity(vm.identity, "SIGTERM");
      return true;
    } catch {
      return false;
    }
  }

  /** Tells the VM to end without asking the guest. False where there is nobody to tell. */
  async quit(): Promise<boolean> {
    if (!this.#qmp && !this.#rest) return false;
    await Promise.all([this.#qmp?.execute("quit", undefined, 2000), this.#rest?.order("HardStop", 2000)]).catch(() => {});
    return true;
  }

  close(): void {
    this.#qmp?.end();
  }
}

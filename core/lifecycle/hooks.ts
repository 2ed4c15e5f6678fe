import { createHooks, type HookEvents, type HookName, type Hooks } from "../../hooks/index.ts";
import type { MachineInfo } from "../model.ts";
import type { Run } from "../run.ts";
import type { ResolvedSpec } from "../spec-types.ts";

/** What an event carries beside the base. */
type OwnFields<N extends HookName> = Omit<HookEvents[N], "machine" | "host" | "signal" | "log">;

/** The hooks of one verb: a fresh set, with every plugin of the spec on it. */
export class VerbHooks {
  readonly #hooks: Hooks;
  readonly #run: Run;

  constructor(spec: ResolvedSpec, run: Run) {
    this.#run = run;
    this.#hooks = createHooks({
      onTap: (plugin, hook) => run.trace.span(`${plugin}: ${hook}`, "hook", { plugin, hook }),
      log: (plugin, message) => run.report.info(`${plugin}: ${message}`),
    });
    for (const plugin of spec.plugins) {
      const end = plugin.apply && run.trace.span(`${plugin.name}.apply`, "plugin", { plugin: plugin.name });
      try {
        this.#hooks.add(plugin);
      } finally {
        end?.();
      }
    }
  }

  /** Fires a hook and returns its event, as changed by the taps. */
  async fire<N extends HookName>(name: N, machine: MachineInfo, fields: OwnFields<N>): Promise<HookEvents[N]> {
    const base = { machine, host: this.#run.host, signal: this.#run.signal, log: (message: string) => this.#run.report.info(message) };
    const event = { ...base, ...fields } as unknown as HookEvents[N];
    await this.#hooks.fire(name, event);
    return event;
  }
}

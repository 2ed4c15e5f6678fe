import { request } from "node:http";
import { MachineError } from "../errors.ts";

/** What a VM can be told: to press the guest's power button, or to end at once. */
export type RestOrder = "Stop" | "HardStop";

/** The VM's HTTP interface on a unix socket (vfkit's doc/usage.md, "RESTful API"; krunkit serves the same). */
export class RestControl {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** The VM's state in its own words: "VirtualMachineStateRunning". Throws MachineError "keeper" when it does not answer. */
  async state(timeoutMs = 2000): Promise<string> {
    const text = await this.#ask("GET", undefined, timeoutMs);
    try {
      const { state } = JSON.parse(text) as { state?: unknown };
      if (typeof state === "string") return state;
    } catch {
      // Told below.
    }
    throw new MachineError("keeper", `the VM told no state, but ${JSON.stringify(text.slice(0, 120))}`);
  }

  /** Gives an order; returns when it was taken, not when it was carried out. Throws MachineError "keeper" with what the VM says when it refuses. */
  async order(state: RestOrder, timeoutMs = 5000): Promise<void> {
    await this.#ask("POST", JSON.stringify({ state }), timeoutMs);
  }

  #ask(method: "GET" | "POST", body: string | undefined, timeoutMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (what: string, cause?: Error): void => reject(new MachineError("keeper", `the VM ${what}`, { cause }));
      const headers = { host: "localhost", ...(body !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }) };
      const sent = request({ socketPath: this.#socket, path: "/vm/state", method, headers, signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => (text = (text + part).slice(0, 4096)));
        answer.on("error", (cause) => fail(`broke off its answer: ${cause.message}`, cause));
        answer.on("end", () => {
          const { statusCode = 0 } = answer;
          if (statusCode >= 200 && statusCode < 300) resolve(text);
          else fail(`refused ${body ?? "to tell its state"}: ${text.trim() || `status ${statusCode}`}`);
        });
      });
      sent.on("error", (cause) => fail(cause.name === "AbortError" || cause.name === "TimeoutError" ? `did not answer within ${timeoutMs / 1000} s` : `does not answer on ${this.#socket}: ${cause.message}`, cause));
      sent.end(body);
    });
  }
}

import { freePort } from "../free-port.ts";
import { type Ended } from "../world.ts";
import { randomFrom } from "../random.ts";
import { chooseVerb, stormVerbs, wrongAnswer, type StormVerb } from "./storm.ts";

export interface StormOptions {
  readonly seed: number;
  /** How many processes act at once, and how many verbs all of them together. */
  readonly actors: number;
  readonly verbs: number;
  readonly machines: readonly string[];
  /** Default: all. */
  readonly choice?: readonly StormVerb[];
  readonly forwarders?: readonly string[];
  /** Hears of each answer. */
  tell?(line: string): void;
}

/** Acts on machines at random, from several processes at once. Returns every answer that is none of those allowed. */
export async function storm(glowplug: (...argv: string[]) => Promise<Ended>, { seed, actors, verbs, machines, choice = stormVerbs, forwarders = ["gvproxy", "slirp"], tell }: StormOptions): Promise<readonly string[]> {
  const wrong: string[] = [];
  const random = randomFrom(seed);
  // Drawn beforehand, so that the same seed gives the same verbs whoever is quicker.
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const ports = await Promise.all(Array.from({ length: 12 }, freePort));
  const orders = Array.from({ length: verbs }, () => {
    const verb = chooseVerb(choice, random);
    const words: Readonly<Record<string, string>> = { NAME: pick(machines), PORT: String(pick(ports)), FORWARDER: pick(forwarders) };
    return { verb, argv: verb.argv.map((word) => word.replace(/NAME|PORT|FORWARDER/g, (key) => words[key] ?? key)) };
  });
  const queue = orders.values();
  const act = async (): Promise<void> => {
    for (const { verb, argv } of queue) {
      const passesOn = argv[0] === "exec";
      const ended = await glowplug(...(passesOn ? ["--json"] : []), ...argv, ...(passesOn ? [] : ["--json"]));
      const problem = wrongAnswer(ended, verb);
      tell?.(`glowplug ${argv.join(" ")}: ${problem ?? ended.code}`);
      if (problem !== undefined) wrong.push(`glowplug ${argv.join(" ")} ${problem}`);
    }
  };
  await Promise.all(Array.from({ length: actors }, act));
  return wrong;
}

/** After a storm: whatever machine there is starts, is used, stops and goes. Returns what does not. */
export async function calm(glowplug: (...argv: string[]) => Promise<Ended>, machines: readonly string[], { prune = true } = {}): Promise<readonly string[]> {
  const there = (await glowplug("list", "--quiet")).stdout.split("\n").map((line) => line.replace("*", "")).filter((name) => machines.includes(name)); // a star marks the default
  const faults: string[] = [];
  const must = async (argv: readonly string[], others = /^$/): Promise<void> => {
    const { code, stdout, stderr } = await glowplug(...argv);
    if (code !== 0 && !others.test(stderr)) faults.push(`glowplug ${argv.join(" ")} ended with ${code ?? "no answer"}: ${stdout}${stderr}`);
  };
  for (const name of there) {
    await must(["start", name], /already running/);
    await must(["exec", name, "echo", "a"]);
    await must(["stop", name]);
    await must(["rm", "--force", name]);
  }
  if (prune) await must(["image", "prune", "--force"]);
  return faults;
}

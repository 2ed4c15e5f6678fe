import type { Ended } from "../world.ts";

/** A verb of a storm. */
export interface StormVerb {
  /** How often it comes, beside the others. */
  readonly weight: number;
  /** NAME stands for a machine, PORT for a port. */
  readonly argv: readonly string[];
  /** Codes of the errors that it may end with: somebody else was there before, or at the same time. */
  readonly errors: readonly string[];
}

/** Whoever waits for a machine may give up, and whoever removes one is quicker than others that look at it. */
const always = ["busy", "no-machine"];
/** What a verb needs may be taken from under it while it is at it. */
const lost = ["wrong-state", "keeper", "ssh", "deadline", "helper-exited", "vm-exited", "interrupted"];

export const stormVerbs: readonly StormVerb[] = [
  { weight: 3, argv: ["init", "NAME", "--image", "./base.raw", "--disk-size", "1", "--cpus", "1", "--memory", "256", "--forwarder", "FORWARDER"], errors: ["busy", "already-exists"] },
  { weight: 4, argv: ["start", "NAME"], errors: [...always, "wrong-state", "interrupted", "vm-exited", "helper-exited", "keeper"] },
  { weight: 3, argv: ["stop", "NAME"], errors: always },
  { weight: 1, argv: ["stop", "--force", "NAME"], errors: always },
  { weight: 2, argv: ["restart", "NAME"], errors: [...always, "wrong-state", "interrupted", "vm-exited", "helper-exited", "keeper"] },
  { weight: 2, argv: ["rm", "--force", "NAME"], errors: always },
  { weight: 2, argv: ["set", "--memory", "300", "NAME"], errors: [...always, "wrong-state"] },
  { weight: 1, argv: ["set", "--disk-size", "2", "NAME"], errors: [...always, "wrong-state", "bad-size"] },
  { weight: 3, argv: ["exec", "NAME", "echo", "a b"], errors: [...always, ...lost] },
  { weight: 2, argv: ["cp", "large", "NAME:/large-PORT"], errors: [...always, ...lost, "internal"] },
  { weight: 2, argv: ["port", "add", "NAME", "PORT:7000"], errors: [...always, ...lost, "port-taken"] },
  { weight: 1, argv: ["port", "ls", "NAME"], errors: [...always, ...lost] },
  { weight: 2, argv: ["list"], errors: [] },
  { weight: 2, argv: ["inspect", "NAME"], errors: ["no-machine"] },
  { weight: 1, argv: ["logs", "NAME", "events"], errors: ["no-machine", "not-found"] },
  { weight: 1, argv: ["image", "ls"], errors: [] },
  { weight: 1, argv: ["image", "pull", "./other.raw"], errors: ["busy"] },
  { weight: 1, argv: ["image", "prune", "--force"], errors: ["busy"] },
];

/** A verb by its weight. */
export function chooseVerb(verbs: readonly StormVerb[], random: () => number): StormVerb {
  const total = verbs.reduce((sum, { weight }) => sum + weight, 0);
  let left = random() * total;
  for (const verb of verbs) if ((left -= verb.weight) < 0) return verb;
  throw new Error("no verb has any weight");
}

/** What an answer should not have been, in words; undefined where it is one of those allowed. `--json` was asked for. */
export function wrongAnswer({ code, stdout, stderr }: Ended, { errors }: StormVerb): string | undefined {
  if (code === 0) return undefined;
  if (code === null) return `hangs: ${stderr}`;
  const [, found = "none"] = /"error":\s*\{\s*"code":\s*"([a-z-]+)"/.exec(stdout) ?? [];
  return errors.includes(found) ? undefined : `ended with ${code}, error ${found}: ${stdout}${stderr}`;
}

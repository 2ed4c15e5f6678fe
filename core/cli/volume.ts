import { MachineError } from "../errors.ts";
import type { VolumeChange } from "../lifecycle/volumes.ts";
import type { ShareMount } from "../roles/launcher.ts";
import { parseVolume, resolveVolume } from "../spec/volumes.ts";
import { readRecord } from "../store.ts";
import { checkWords, pickAction } from "./actions.ts";
import { printItems } from "./answer.ts";
import { on, text } from "./flags.ts";
import { parseFormat } from "./format.ts";
import { volumeOf } from "../spec/words.ts";
import { nameOf } from "./subject.ts";
import { defineVerb, type Call } from "./verb.ts";

const flags = {
  format: text("--format <format>", "For ls: json, yaml, or a Go template; after \"table \" with headers"),
  noHeading: on("-n, --noheading", "For ls: no headers"),
} as const;
type VolumeCall = Call<typeof flags>;

const columns = "table {{.Source}}\t{{.Target}}\t{{.Mode}}\t{{.Type}}\t{{.Status}}";
const fields = ["Source", "Target", "Mode", "Type", "Status"];

export default defineVerb({
  usage: "ls|add|rm [NAME] [VOLUME...]",
  description: [
    "ls shows the folders of the host that a machine has. add and rm change them for good: at once in a",
    "machine that runs, where its launcher can do that, else from the next start on. They win over the",
    "machine's script until `glowplug set --reset=volumes`.",
    "A VOLUME is SOURCE[:TARGET[:ro]], the target being the source where none is named; for rm it is the",
    "target.",
  ].join("\n"),
  examples: ["glowplug volume ls web", "glowplug volume add web ./site:/srv/site ~/notes:/mnt/notes:ro", "glowplug volume rm web /srv/site"],
  flags,
  most: Number.POSITIVE_INFINITY,
  async run(call) {
    const { action, rest } = pickAction("volume", call.words, { ls, list: ls, add, rm, remove: rm });
    await action(call, rest);
  },
});

async function ls(call: VolumeCall, words: readonly string[]): Promise<void> {
  checkWords("volume ls", words, { most: 1 });
  const { flags: { format, noHeading }, globals, output, run } = call;
  const name = await nameOf({ ...call, words });
  const { currentShares, volumesOf } = await import("../lifecycle/volumes.ts");
  const { statusOf } = await import("../lifecycle/status.ts");
  const { noSuchMachine } = await import("../lifecycle/missing.ts");
  const record = readRecord(run.paths, name);
  if (!record) throw noSuchMachine(name);
  const { adoptOrphan } = await import("../lifecycle/adopt.ts");
  await adoptOrphan(name, run);
  const runs = (await statusOf(record, run.paths)).state === "running";
  const items = volumeItems(volumesOf(record), runs ? await currentShares(name, run) : []);
  await printItems(parseFormat(format ?? (globals.json ? "json" : columns)), items, { fields, ...(noHeading && { noHeading: true }) }, output);
}

async function add(call: VolumeCall, words: readonly string[]): Promise<void> {
  const { name, volumes } = await target("volume add", call, words);
  const { cwd, host } = call.run;
  const wanted = volumes.map((word) => {
    const parsed = parseVolume(word);
    if ("problem" in parsed) throw new MachineError("usage", parsed.problem);
    return resolveVolume(volumeOf(word, call.run), cwd, host.home);
  });
  const { addVolume } = await import("../lifecycle/volumes.ts");
  for (const volume of wanted) answer(call, name, await addVolume(name, volume, call.run), "is");
}

async function rm(call: VolumeCall, words: readonly string[]): Promise<void> {
  const { name, volumes } = await target("volume rm", call, words);
  const { removeVolume } = await import("../lifecycle/volumes.ts");
  for (const volume of volumes) answer(call, name, await removeVolume(name, volume.replace(/(.)\/$/, "$1"), call.run), "is no longer");
}

/** NAME and volumes of a line. NAME may be left out: it has neither slash nor colon, and one word alone is a volume. */
async function target(action: string, call: VolumeCall, words: readonly string[]): Promise<{ readonly name: string; readonly volumes: readonly string[] }> {
  checkWords(action, words, { least: 1 });
  const [first = "", ...rest] = words;
  return rest.length > 0 && !/[/:]/.test(first) ? { name: first, volumes: rest } : { name: await nameOf({ ...call, words: [] }), volumes: words };
}

/** What a machine has and what it will have, each volume once. */
function volumeItems(wanted: readonly ShareMount["share"][], current: readonly ShareMount[]): readonly object[] {
  const item = ({ source, target: at, readOnly }: ShareMount["share"], kind: string, status: string): object => ({ Source: source, Target: at, Mode: readOnly ? "ro" : "rw", Type: kind, Status: status });
  const same = (one: ShareMount["share"], other: ShareMount["share"]): boolean => one.target === other.target && one.source === other.source && one.readOnly === other.readOnly;
  return [
    ...wanted.map((share) => {
      const mount = current.find((one) => same(one.share, share));
      return item(share, mount?.kind ?? "", mount ? "mounted" : "next start");
    }),
    ...current.filter(({ share }) => !wanted.some((one) => same(one, share))).map(({ share, kind }) => item(share, kind, "until stop")),
  ];
}

function answer({ globals, output }: VolumeCall, name: string, { volume, when }: VolumeChange, verb: string): void {
  if (globals.json) output.json({ Name: name, Source: volume.source, Target: volume.target, Mode: volume.readOnly ? "ro" : "rw", When: when });
  else if (!globals.quiet) output.line(`${volume.source} ${verb} ${volume.target} in ${name}${when === "now" ? "" : ", from the next start on"}`);
}

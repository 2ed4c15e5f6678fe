import type { MachineEvent } from "../keeper/protocol.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import { listRecords, readRecord } from "../store.ts";
import { eventText } from "./event-lines.ts";
import { followEvents, pastEvents } from "./event-stream.ts";
import { on, text } from "./flags.ts";
import { parseSince } from "./log-lines.ts";
import { nameOf } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME]",
  description: [
    "What happens from now on: phases, children, ports, states; of all machines where none is named.",
    "Ctrl-C ends it with status 0. With --json: one object a line.",
  ].join("\n"),
  examples: ["glowplug events", "glowplug events --json web", "glowplug events --since 10m --stream=false web"],
  flags: {
    since: text("--since <time>", "First what happened from that time on: 2026-05-01T12:00:00Z, or how long ago: 10m"),
    stream: on("--stream", "Go on with what happens; --stream=false ends after what has happened (default: true)"),
  },
  async run(call) {
    const { words, subject, flags, globals, run, output, shell } = call;
    const { paths } = run;
    const name = words.length > 0 || subject ? await nameOf(call) : undefined;
    if (name !== undefined && !readRecord(paths, name)) throw noSuchMachine(name);
    const names = name === undefined ? listRecords(paths).records.map((record) => record.name) : [name];
    const print = (event: MachineEvent): void => output.line(globals.json ? JSON.stringify(event) : eventText(event, output.paint));
    const stream = flags.stream ?? true;
    const since = flags.since === undefined ? undefined : parseSince(flags.since, Date.now());
    const wanted = since !== undefined || !stream;
    const positions = await pastEvents(names, since, { paths, take: wanted ? print : () => {} });
    if (stream) await followEvents(positions, { paths, name, take: print }, AbortSignal.any([shell.signal, output.closed]));
    return 0;
  },
});

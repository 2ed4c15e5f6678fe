import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { copyTree, type Copied } from "../copy/copy.ts";
import { guestTree } from "../copy/guest-tree.ts";
import { hostTree } from "../copy/host-tree.ts";
import { MachineError, toErrorRecord } from "../errors.ts";
import { readKeeperPlan } from "../keeper/read-plan.ts";
import { step } from "../step.ts";
import { formatSize } from "../units.ts";
import { publish } from "./podman-events.ts";
import { parseCopy, type CopyOrder } from "./cp-arguments.ts";
import { guestFlags } from "./guest-command.ts";
import { runningMachine } from "./running.ts";
import { nameOf } from "./subject.ts";
import { defineVerb, type Call } from "./verb.ts";

const flags = { username: guestFlags.username } as const;

export default defineVerb({
  usage: "SOURCE DESTINATION",
  description: [
    "One of both is NAME:PATH; a path that begins with a dot or a slash is this host's. Folders are",
    "copied with all that is in them, into the destination where that is a folder. Modes and times are",
    "kept, and links in folders stay links.",
  ].join("\n"),
  examples: ["glowplug cp ./site web:/srv", "glowplug cp web:/var/log/syslog .", "glowplug cp --username root ./nginx.conf web:/etc/nginx/"],
  flags,
  least: 2,
  most: 2,
  async run(call) {
    const { words: [source = "", destination = ""], globals, output, run } = call;
    const order = parseCopy(source, destination);
    const name = order.name ?? (await nameOf({ ...call, words: [] }));
    const { files, bytes } = await copy(name, order, `Copying ${source} to ${destination}`, call);
    await publish("copy", name, run);
    if (globals.json) output.json({ Name: name, Source: source, Destination: destination, Files: files, Bytes: bytes });
    else output.line("Copy successful");
  },
});

/** Over a connection of its own: what a copy sends is not in the way of what else goes to the guest. */
async function copy(name: string, { direction, hostPath, guestPath }: CopyOrder, title: string, { flags: { username }, run }: Call<typeof flags>): Promise<Copied> {
  const { record } = await runningMachine(name, run);
  const { host, port, keyFile, hostKey, user } = readKeeperPlan(run.paths.machine(name)).ssh;
  const { connectGuest } = await import("../ssh.ts");
  const connection = await connectGuest({ host, port, hostKey, user: username ?? (record.spec.rootful ? "root" : user), privateKey: readFileSync(keyFile, "utf8"), signal: run.signal });
  step("cp.connected");
  const phase = run.report.phase(title);
  try {
    const guest = await connection.sftp();
    const common = { signal: run.signal, progress: (done: number, total: number) => phase.progress(done, total), warn: (line: string) => run.report.warn(line) };
    const path = hostPathIn(run.cwd, hostPath);
    const copied = await copyTree(direction === "in"
      ? { ...common, from: hostTree, source: path, to: guestTree(guest), destination: guestPath, transfer: (source, target, mode, step) => guest.put(source, target, { mode, step }) }
      : { ...common, from: guestTree(guest), source: guestPath, to: hostTree, destination: path, transfer: (source, target, _mode, step) => guest.get(source, target, step) });
    step("cp.done");
    phase.done(`${copied.files} file${copied.files === 1 ? "" : "s"}, ${formatSize(copied.bytes)}`);
    return copied;
  } catch (error) {
    phase.fail();
    throw run.signal.aborted ? error : copyError(error);
  } finally {
    await connection.end();
  }
}

/** podman's words before ours, which take the place of scp's. */
function copyError(error: unknown): MachineError {
  const { message, ...record } = toErrorRecord(error);
  return new MachineError(record.code, `copy failed: ${message}`, { ...record, cause: error });
}

/** A trailing slash says that a folder is meant, and "/." what is in it: both are kept. */
function hostPathIn(cwd: string, path: string): string {
  const tail = path === "." || path === ".." ? "/." : (/\/\.?$/.exec(path)?.[0] ?? "");
  return resolve(cwd, path) + tail;
}

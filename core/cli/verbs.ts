import cp from "./cp.ts";
import doctor from "./doctor.ts";
import env from "./env.ts";
import events from "./events.ts";
import help from "./help.ts";
import image from "./image.ts";
import importVerb from "./import.ts";
import info from "./info.ts";
import init from "./init.ts";
import { exec, inspect, list, ssh } from "./light-verbs.ts";
import logs from "./logs.ts";
import plan from "./plan.ts";
import port from "./port.ts";
import reset from "./reset.ts";
import restart from "./restart.ts";
import rm from "./rm.ts";
import run from "./run.ts";
import set from "./set.ts";
import sshConfig from "./ssh-config.ts";
import start from "./start.ts";
import stop from "./stop.ts";
import up from "./up.ts";
import volume from "./volume.ts";
import version from "./version.ts";
import type { VerbEntry } from "./verb.ts";

/**
 * Every verb, in help's order. The verbs' files are small and load together: a chunk for each made the command take twice as
 * long. What weighs something (the lifecycle, the host's facts) each verb imports when it runs.
 */
export const verbs: readonly VerbEntry[] = [
  { name: "init", summary: "Make a machine", verb: init },
  { name: "start", summary: "Start a machine", verb: start },
  { name: "stop", summary: "Stop a machine", verb: stop },
  { name: "restart", summary: "Stop a machine and start it again", verb: restart },
  { name: "up", summary: "Make a machine if it is missing, start it if it is stopped", verb: up },
  { name: "rm", aliases: ["remove"], summary: "Remove a machine", verb: rm },
  ssh,
  exec,
  { name: "cp", summary: "Copy files and folders into a machine or out of it", verb: cp },
  list,
  inspect,
  { name: "set", summary: "Change a machine's processors, memory, disk and the like", verb: set },
  { name: "port", summary: "Show, open and close ports while a machine runs", verb: port },
  { name: "volume", summary: "Show, add and remove folders of the host that a machine has", verb: volume },
  { name: "logs", summary: "Show what a machine and its parts wrote", verb: logs },
  { name: "events", summary: "Show what happens to machines, as it happens", verb: events },
  { name: "plan", summary: "Show what a start would do, without doing it", verb: plan },
  { name: "doctor", summary: "Look for what is wrong with the host and the machines", verb: doctor },
  { name: "image", summary: "Show, fetch, verify and remove images", verb: image },
  { name: "env", summary: "Print shell lines that point docker and podman at a machine", verb: env },
  { name: "ssh-config", summary: "Print an ssh config for a machine", verb: sshConfig },
  { name: "import", summary: "Take over a machine that podman machine made", verb: importVerb },
  { name: "info", summary: "Show facts of the host, its machines and this program", verb: info },
  { name: "reset", summary: "Remove all machines and everything that is kept of them", verb: reset },
  { name: "run", summary: "Run a script, or a verb on the machine it describes", verb: run },
  { name: "version", summary: "Print the version", verb: version },
  { name: "help", summary: "Help about a verb", verb: help },
];

import type { Command } from "../command.ts";
import { planDockerClaim } from "../docker-socket.ts";
import { finishGuest } from "../first-boot.ts";
import type { Plan, PlannedCommand } from "../plan.ts";
import type { MachineRecord } from "../record.ts";
import type { LocatedImage } from "../roles/image.ts";
import type { Run } from "../run.ts";
import { seedText } from "../seed.ts";
import { callPlugin } from "../spans.ts";
import { saveSpec } from "../spec.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { acceleratorsOf, attempts } from "./accelerator.ts";
import { planBoot } from "./boot-plan.ts";
import { draftFor } from "./draft.ts";
import { guestUid, machineInfo } from "./facts.ts";
import { VerbHooks } from "./hooks.ts";
import { placeOf, withPlace } from "./lan.ts";
import { locateImage } from "./image-query.ts";
import { macOf } from "../mac.ts";

/** What does not exist before init. The port's is a number that no port has, and is shown as "<ssh-port>". */
const placeholder = { key: "<ssh-key>", hostKey: { publicKey: "<host-key>", privateKey: "<host-key>" }, port: 4_294_967_295 };

/** What init (where it is still to be done) and start would do. Reads, and nothing else. */
export async function plan(spec: ResolvedSpec, record: MachineRecord | undefined, run: Run): Promise<Plan> {
  const { host, paths } = run;
  const files = paths.machine(spec.name);
  const hooks = new VerbHooks(spec, run);
  const info = machineInfo(spec, { sshPort: record?.ssh.port ?? placeholder.port, hostKey: record?.ssh.hostKey ?? placeholder.hostKey.publicKey }, host.uid, paths);

  const lan = placeOf(spec, record, run);
  const located = record ? undefined : (await hooks.fire("beforeDownload", info, { image: await locateImage(spec, run, { keep: false }) })).image;
  const guest = await draftFor(spec, info, { authorizedKey: placeholder.key, hostKeys: placeholder.hostKey, lan }, run);
  await hooks.fire("ignition", info, { guest });
  finishGuest(guest);
  const seed = await callPlugin(run.trace, spec.provisioner, "render", guest);

  const accelerators = await acceleratorsOf(spec, run);
  const accelerator = attempts(accelerators)[0] ?? "";
  const { net, boot, sockets } = await planBoot(spec, withPlace(record ?? plannedRecord(spec, run), lan), accelerator, hooks, run);
  const build = located?.kind === "build" ? located.steps({ scratch: "<scratch>", output: "<output>" }) : undefined;
  const saved = saveSpec(spec);
  return {
    name: spec.name, ...(spec.script !== undefined && { script: spec.script }), exists: record !== undefined, host: { os: host.os, arch: host.arch },
    slots: { image: saved.image, provisioner: saved.provisioner, launcher: saved.launcher, forwarder: saved.forwarder }, plugins: saved.plugins,
    ...(located && { image: withoutSecrets(located) }),
    ...(build && { build: { files: build.files.map(({ path }) => path), commands: build.commands.map(shown) } }),
    firstBoot: { kind: seed.kind, text: seedText(seed), parts: guest.parts.map(({ what, by = "glowplug" }) => ({ what, by })) },
    accelerators, vm: shown(boot.vm), helpers: boot.helpers.map(({ command }) => shown(command)),
    ...(net.command && { forwarder: shown(net.command) }),
    files: [...boot.files], ssh: record ? net.ssh : { host: net.ssh.host, port: "<ssh-port>" },
    ports: spec.ports, sockets, notes: [...net.notes, ...boot.notes, ...(spec.podman && planDockerClaim(host, paths) ? ["/var/run/docker.sock is made to lead here, where podman's helper is installed"] : [])],
  };

  function plannedRecord(its: ResolvedSpec, { host: on }: Run): MachineRecord {
    return {
      version: 1, name: its.name, created: "", lastUp: null, spec: saveSpec(its), overrides: {},
      image: { source: its.image.name, title: located?.title ?? "", origin: "", id: "", path: "<image>", format: "qcow2", virtualSize: 0, verified: [] },
      disk: { path: files.disk, format: its.launcher.formats[0] ?? "qcow2" },
      seed: { kind: its.provisioner.seed, path: its.provisioner.seed === "ignition" ? files.ignition : files.nocloud },
      firstBoot: its.provisioner.firstBoot,
      ssh: { port: placeholder.port, user: its.user, uid: guestUid(on.uid), keyFile: files.key, hostKey: placeholder.hostKey.publicKey },
      mac: macOf(files.data), folders: { data: files.data, runtime: files.runtime }, undo: [],
    };
  }
}

/** Headers may be somebody's password. */
function withoutSecrets(image: LocatedImage): LocatedImage {
  if (image.kind !== "fetch") return image;
  const { headers: _, ...rest } = image;
  return rest;
}

function shown(command: Command): PlannedCommand {
  const entries = command.entries.map((entry) => (entry.value === undefined ? entry : { ...entry, value: withWords(entry.value) }));
  return { name: command.name, program: command.program, entries, line: withWords(command.toString()) };
}

function withWords(text: string): string {
  return text.replaceAll(String(placeholder.port), "<ssh-port>");
}

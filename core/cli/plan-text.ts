import { quote } from "../command.ts";
import { digestText } from "../digest.ts";
import type { Plan, PlannedCommand } from "../plan.ts";
import type { LocatedImage } from "../roles/image.ts";
import type { VerifiedSignature } from "../signature.ts";
import { formatSize } from "../units.ts";
import type { Output } from "./output.ts";
import type { Paint } from "./paint.ts";

/** A row, and the plugin it comes from. */
interface Row {
  readonly text: string;
  readonly by?: string | undefined;
}

/** Column at which "# by" stands at most; a longer row has it right behind. */
const lastColumn = 100;

/** Prints a plan as the answer. */
export function printPlan(plan: Plan, json: boolean, output: Output): void {
  if (json) output.json(plan);
  else output.write(planText(plan, output.paint));
}

/** A plan for people: one group a part, one row a flag, with the plugin behind it. */
export function planText(plan: Plan, paint: Paint = (_look, text) => text): string {
  const groups: [title: string, rows: readonly Row[]][] = [
    [`Machine ${plan.name} on ${plan.host.os}/${plan.host.arch}, ${plan.exists ? "made already" : "not made yet"}`, overviewRows(plan)],
    ...(plan.image ? [[`Image: ${plan.image.title}`, imageRows(plan.image)] as [string, Row[]]] : []),
    ...(plan.build ? plan.build.commands.map((command, index) => commandGroup(`Build step ${index + 1}`, command)) : []),
    [`First boot: ${plan.firstBoot.kind}, ${formatSize(Buffer.byteLength(plan.firstBoot.text))} (all of it: glowplug plan --first-boot)`, plan.firstBoot.parts.map(({ what, by }) => ({ text: oneLine(what), by }))],
    ...(plan.files.length > 0 ? [["Files made before the start", plan.files.map(({ path, keep }) => ({ text: `${path}${keep ? " (kept if it is there)" : ""}` }))] as [string, Row[]]] : []),
    ...(plan.forwarder ? [commandGroup("Forwarder", plan.forwarder)] : []),
    ...plan.helpers.map((helper) => commandGroup("Helper", helper)),
    commandGroup("VM", plan.vm),
    ["Ways in", wayRows(plan)],
    ...(plan.notes.length > 0 ? [["Notes", plan.notes.map((text) => ({ text }))] as [string, Row[]]] : []),
  ];
  return groups.map(([title, rows]) => `${paint("strong", title)}\n${rowLines(rows, paint)}`).join("\n");
}

function overviewRows({ script, slots, plugins, accelerators }: Plan): Row[] {
  const row = (label: string, value: string): Row => ({ text: `${label.padEnd(13)}${value}` });
  return [
    ...(script === undefined ? [] : [row("script", script)]),
    row("image", slots.image), row("provisioner", slots.provisioner), row("launcher", slots.launcher), row("forwarder", slots.forwarder),
    ...(plugins.length > 0 ? [row("plugins", plugins.join(", "))] : []),
    row("accelerator", accelerators.map(({ name, usable, reason }) => (usable ? name : `${name} (not used${reason === undefined ? "" : `: ${reason}`})`)).join(", ")),
  ];
}

function imageRows(image: LocatedImage): Row[] {
  const row = (label: string, value: string, field: string = label): Row => ({ text: `${label.padEnd(13)}${value}`, by: image.by?.[field] });
  switch (image.kind) {
    case "fetch":
      return [
        row("fetch", image.url, "url"),
        ...(image.mirrors ?? []).map((mirror) => row("or", mirror, "mirrors")),
        row("digest", image.digest === "waived" ? "not checked: waived" : digestText(image.digest)),
        ...(image.checksums ? [row("checksums", image.checksums.url), ...signerRows(image.checksums.signature)] : []),
        ...(image.signature ? [row("signature", image.signature.url)] : []),
        row("format", [image.format, ...(image.compression === "none" ? [] : [image.compression]), ...(image.size === undefined ? [] : [formatSize(image.size)])].join(", ")),
      ];
    case "local":
      return [row("file", image.path, "path")];
    case "build":
      return [row("build key", image.key, "key"), row("needs", image.needs.join(", "), "needs")];
  }
}

function signerRows(signature: VerifiedSignature | undefined): Row[] {
  return signature ? [{ text: `${"signed by".padEnd(13)}${signature.owner}, ${signature.fingerprint}` }] : [];
}

function commandGroup(title: string, { name, program, entries }: PlannedCommand): [string, Row[]] {
  return [`${title}: ${name}`, [{ text: quote(program) }, ...entries.map(({ flag, value, by }) => ({ text: `  ${quote(flag)}${value === undefined ? "" : ` ${quote(value)}`}`, by }))]];
}

function wayRows({ ssh, ports, sockets }: Plan): Row[] {
  return [
    { text: `ssh on ${ssh.host}:${ssh.port}` },
    ...ports.map(({ host, hostPort, guestPort, protocol }) => ({ text: `port ${host}:${hostPort} to ${guestPort}/${protocol}` })),
    ...sockets.map(({ host, guest }) => ({ text: `socket ${host} to ${guest}` })),
  ];
}

function rowLines(rows: readonly Row[], paint: Paint): string {
  const longest = Math.max(0, ...rows.filter(({ by, text }) => by !== undefined && text.length <= lastColumn).map(({ text }) => text.length));
  return rows.map(({ text, by }) => `  ${by === undefined ? text : `${text.padEnd(longest)}  ${paint("faint", `# by ${by}`)}`}\n`).join("");
}

/** The first line of a text that has several. */
function oneLine(text: string): string {
  const [first = "", ...rest] = text.split("\n");
  return rest.length > 0 ? `${first} ...` : first;
}

import { MachineError, messageOf } from "../errors.ts";
import { listImages, unreadableImages } from "../image-store.ts";
import type { ImageUse } from "../image-use.ts";
import { formatSize } from "../units.ts";
import { checkWords, pickAction } from "./actions.ts";
import { printItems } from "./answer.ts";
import { on, text } from "./flags.ts";
import { parseFormat } from "./format.ts";
import { bytesOnDisk, imageColumns, imageFields, imageHeaders, imageItem, shortId, titleOf, unreadableItem } from "./image-view.ts";
import { isYes, readAnswer } from "./prompt.ts";
import { imageField, specFlags } from "./spec-flags.ts";
import { defineVerb, type Call } from "./verb.ts";
import { visible, visibleLine } from "./visible.ts";

const flags = {
  force: on("-f, --force", "For prune: do not ask"),
  format: text("--format <format>", "For ls: json, yaml, or a Go template; after \"table \" with headers"),
  noHeading: on("-n, --noheading", "For ls: no headers"),
  imageDigest: { ...specFlags.imageDigest, help: "For pull: checksum of an image that is given by its address" },
  insecureNoDigest: { ...specFlags.insecureNoDigest, help: "For pull: take an image from its address without a checksum" },
  launcher: { ...specFlags.launcher, help: `For pull: ${specFlags.launcher.help.replace(/^Who runs/, "who is to run")}` },
} as const;
type ImageCall = Call<typeof flags>;

export default defineVerb({
  usage: "ls|pull|verify|rm|prune [IMAGE|ID...]",
  description: [
    "The store holds each image once for all machines, under the sha256 of its disk. ls shows them, with",
    "--quiet their ids alone; pull brings one in, by a built-in's name such as fcos:testing, an address",
    "or a path; verify hashes them anew; rm removes some; prune removes those that no machine uses.",
  ].join("\n"),
  examples: ["glowplug image ls", "glowplug image pull fcos:testing", "glowplug image verify", "glowplug image rm 0f3a1b2c3d4e", "glowplug image prune --force"],
  flags,
  most: Number.POSITIVE_INFINITY,
  async run(call) {
    const { action, rest } = pickAction("image", call.words, { ls, list: ls, pull, verify, rm, remove: rm, prune });
    await action(call, rest);
  },
});

async function ls(call: ImageCall, words: readonly string[]): Promise<void> {
  checkWords("image ls", words, { most: 0 });
  const { flags: { format, noHeading }, globals, run, output } = call;
  const images = listImages(run.paths.store);
  const use = await useOf(call);
  const parsed = parseFormat(format ?? (globals.json ? "json" : globals.quiet ? "{{.Id}}" : imageColumns));
  const now = Date.now();
  const damaged = unreadableImages(run.paths.store);
  for (const { id, problem } of damaged) run.report.warn(`the image ${shortId(id)} is damaged: ${problem}; \`glowplug doctor\` tells what to do`);
  const items = [...images.map((image) => imageItem(run.paths.store, image, use, now)), ...damaged.map((image) => unreadableItem(run.paths.store, image, use))];
  await printItems(parsed, items, { fields: imageFields, headers: imageHeaders, ...(noHeading && { noHeading: true }) }, output);
}

async function pull(call: ImageCall, words: readonly string[]): Promise<void> {
  checkWords("image pull", words, { least: 1, most: 1 });
  const { flags: { imageDigest, insecureNoDigest, launcher }, globals, run, output } = call;
  const { pullImage } = await import("../lifecycle/pull-image.ts");
  // Until it ends, this process is a user of the image as well.
  const use = await useOf(call);
  const image = await pullImage({ ...imageField({ image: words[0], imageDigest, insecureNoDigest }, run), ...(launcher !== undefined && { launcher }) }, run);
  const stored = listImages(run.paths.store).find(({ id }) => id === image.id);
  if (!stored) throw new MachineError("internal", `the image ${shortId(image.id)} is not in the store`);
  if (globals.json) return output.json(imageItem(run.paths.store, stored, use, Date.now()));
  run.report.info(`${image.title} is in the store`);
  output.line(image.id);
}

async function verify(call: ImageCall, words: readonly string[]): Promise<void> {
  const { globals, run, output } = call;
  const { verifyImage } = await import("../image-use.ts");
  const images = listImages(run.paths.store);
  const wanted = words.length > 0 ? words : [...images, ...unreadableImages(run.paths.store)].map(({ id }) => id);
  const whole: { readonly id: string }[] = [];
  const failures: unknown[] = [];
  for (const word of wanted) {
    const known = images.find(({ id }) => id.startsWith(word));
    const phase = run.report.phase(`Verifying ${known ? titleOf(known) : word}`);
    try {
      const image = await verifyImage(run.paths, word, { signal: run.signal, onProgress: (done) => phase.progress(done, known?.size) });
      phase.done();
      whole.push(image);
      if (!globals.json) output.line(`${shortId(image.id)} is whole`);
    } catch (error) {
      phase.fail();
      run.signal.throwIfAborted();
      failures.push(error);
    }
  }
  const [first, ...others] = failures;
  if (others.length > 0) throw new MachineError("digest", `${failures.length} of ${wanted.length} images are not whole`, { details: failures.map(messageOf) });
  if (first !== undefined) throw first;
  if (globals.json) output.json(whole.map(({ id }) => ({ Id: id, Whole: true })));
}

async function rm(call: ImageCall, words: readonly string[]): Promise<void> {
  checkWords("image rm", words, { least: 1 });
  const { globals, run, output } = call;
  const { removeImage } = await import("../image-use.ts");
  const removed: { readonly id: string }[] = [];
  for (const word of words) {
    const image = await removeImage(run.paths, word);
    removed.push(image);
    if (!globals.json) output.line(image.id);
  }
  if (globals.json) output.json(removed.map(({ id }) => ({ Id: id })));
}

async function prune(call: ImageCall, words: readonly string[]): Promise<void> {
  checkWords("image prune", words, { most: 0 });
  const { flags: { force }, globals, run, output, shell } = call;
  const { store } = run.paths;
  const use = await useOf(call);
  const unused = [...listImages(store), ...unreadableImages(store).filter(({ isForeign }) => !isForeign)].filter(({ id }) => !use.users.has(id));
  const sizes = new Map(unused.map((image) => [image.id, bytesOnDisk(store, image)]));
  if (!force && unused.length > 0 && use.unknown.length === 0) {
    const ask = globals.json ? (line: string): void => void shell.stderr.write(visible(line)) : output.write;
    const lines = unused.map((image) => `${shortId(image.id)}  ${visibleLine(titleOf(image))}, ${formatSize(sizes.get(image.id) ?? 0)}\n`);
    ask(`The following images are used by no machine and will be removed:\n\n${lines.join("")}\nAre you sure you want to continue? [y/N] `);
    if (!isYes(await readAnswer(shell.stdin, shell.signal))) {
      if (globals.json) output.json({ Removed: [], ReclaimedBytes: 0 });
      return;
    }
  }
  const { pruneImages } = await import("../image-use.ts");
  const removed = await pruneImages(run.paths);
  const freed = removed.reduce((sum, { id }) => sum + (sizes.get(id) ?? 0), 0);
  if (globals.json) return output.json({ Removed: removed.map(({ id }) => id), ReclaimedBytes: freed });
  for (const { id } of removed) output.line(id);
  output.line(`Total reclaimed space: ${formatSize(freed)}`);
}

async function useOf({ run: { paths, report } }: ImageCall): Promise<ImageUse> {
  const use = (await import("../image-use.ts")).imageUse(paths);
  for (const name of use.unknown) report.warn(`the record of ${name} cannot be read: any image may be its`);
  return use;
}

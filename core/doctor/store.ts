import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { imageUse } from "../image-use.ts";
import { isWhole, listImages, storedDisk, unreadableImages } from "../image-store.ts";
import { lockHolder } from "../lock.ts";
import { listRecords } from "../store.ts";
import { unfinishedNames } from "../unfinished.ts";
import { formatSize } from "../units.ts";
import type { Finding, HostCheck } from "./finding.ts";

/** Images that are whole, and what is kept for nobody. */
export const imagesCheck: HostCheck = {
  title: "images",
  async look({ run: { paths, signal } }) {
    const images = listImages(paths.store);
    const { users, unknown } = imageUse(paths);
    const findings: Finding[] = [];
    const damaged = (id: string, finding: string, what: string): Finding => {
      const by = users.get(id) ?? [];
      return { id: finding, level: "broken", what: `${what}${by.length > 0 ? `; ${by.join(", ")} stands on it` : ""}`, fix: by.length > 0 ? "Bring the very same image in again: glowplug image pull" : `glowplug image rm ${id.slice(0, 12)}` };
    };
    for (const image of images) {
      if (await isWhole(paths.store, image, { signal })) continue;
      findings.push(damaged(image.id, "image-damaged", `the image ${storedDisk(paths.store, image)} is not what it was`));
    }
    for (const { id, problem } of unreadableImages(paths.store)) findings.push(damaged(id, "image-unreadable", `nobody knows what the image ${id.slice(0, 12)} is: ${problem}`));
    const unused = images.filter(({ id }) => !users.has(id));
    if (unused.length > 0 && unknown.length === 0) {
      findings.push({ id: "images-unused", level: "note", what: `${unused.length === 1 ? "an image is" : `${unused.length} images are`} used by no machine: ${formatSize(unused.reduce((sum, { size }) => sum + size, 0))}`, fix: "glowplug image prune" });
    }
    const partial = existsSync(paths.partial) ? readdirSync(paths.partial).filter((name) => !lockHolder(join(paths.store, "locks", `partial-${name}`))) : [];
    if (partial.length > 0) findings.push({ id: "downloads-unfinished", level: "note", what: `${partial.length === 1 ? "a download" : `${partial.length} downloads`} broke off, and the next try goes on with it`, fix: "glowplug image prune" });
    return { findings, fact: `${images.length} in ${paths.store}` };
  },
};

/** Records that can be read, and verbs that were cut off. */
export const recordsCheck: HostCheck = {
  title: "records",
  look({ run: { paths } }) {
    const { records, damaged, copies } = listRecords(paths);
    return {
      fact: `${records.length} ${records.length === 1 ? "machine" : "machines"}`,
      findings: [
        ...damaged.map(({ name, problem }): Finding => ({ id: "record-damaged", level: "broken", what: problem, fix: `glowplug rm --force ${name}` })),
        ...copies.map(({ name, problem }): Finding => ({ id: "record-from-copy", level: "warning", what: `${problem}; its copy is used`, fix: `glowplug start ${name}` })),
        ...unfinishedNames(paths).map((name): Finding => ({ id: "verb-cut-off", level: "warning", what: `an init or rm of ${name} was cut off, and has left files`, fix: `glowplug rm --force ${name}` })),
      ],
    };
  },
};

/** Verbs that have been at it for long. */
export const locksCheck: HostCheck = {
  title: "locks",
  look({ run: { paths } }) {
    const folder = join(paths.data, "locks");
    const held = (existsSync(folder) ? readdirSync(folder) : []).flatMap((name) => {
      const holder = lockHolder(join(folder, name));
      return holder && holder.pid !== process.pid ? [{ name, holder }] : [];
    });
    return { findings: held.map(({ name, holder }): Finding => ({ id: "lock-held", level: "note", what: `${name} is in the hands of process ${holder.pid}: ${holder.purpose}`, fix: `Wait for it, or end it: kill ${holder.pid}` })) };
  },
};

import { describeDisk } from "./cloud-image/disk.ts";
import { lookFrom } from "./cloud-image/looks.ts";
import { checkKeys, checkStream, checkUrl, checkWish, type CloudImageOptions } from "./cloud-image/options.ts";
import type { CloudImage, Search } from "./cloud-image/recipe.ts";
import { MachineError } from "./errors.ts";
import { checkOptions } from "./kit.ts";
import type { FetchImage } from "./located-image.ts";
import type { ImageSource } from "./roles/image.ts";

export type { CloudImageOptions } from "./cloud-image/options.ts";
export type { CloudImage, Look } from "./cloud-image/recipe.ts";

/**
 * An image source for a distribution that publishes cloud images beside a list of checksums: folders that a web server lists, or an index that
 * the recipe reads; checksums in GNU's or BSD's form; OpenPGP signatures of these, or of the disk. `options` are the user's.
 * Throws MachineError "bad-spec" for options that are none.
 */
export function cloudImage(image: CloudImage, options: CloudImageOptions = {}): ImageSource {
  const { name, firstBoot = "cloud-init", user, streams } = image;
  checkOptions(name, options, ["release", "build", "url", "keys", ...(streams ? ["stream"] : [])]);
  const chosen = {
    image, wish: checkWish(name, options), stream: checkStream(name, options.stream, streams), keys: checkKeys(name, options.keys), url: checkUrl(name, options.url),
  };
  return { name, role: "image", firstBoot, user, locate: (query) => locate({ ...chosen, query }) };
}

async function locate(search: Search): Promise<FetchImage> {
  const { image, query, stream } = search;
  const arch = image.architectures[query.arch];
  if (arch === undefined) {
    throw new MachineError("unsupported-host", `${image.title} has no cloud image for ${query.arch}; it has some for ${Object.keys(image.architectures).join(", ")}`, {
      plugin: image.name, hint: "Choose another image for such a machine.",
    });
  }
  return describeDisk(search, await lookFrom(0, { arch, ...(stream !== undefined && { stream }), ...image.words?.(query) }, search));
}

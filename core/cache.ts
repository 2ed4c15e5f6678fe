import { obtainBuilt } from "./build-image.ts";
import { obtainFetched } from "./fetch-image.ts";
import { readImage, recordImage, type ImageOrigin, type StoredImage } from "./image-store.ts";
import { markUse } from "./image-use.ts";
import { obtainLocal } from "./local-image.ts";
import type { LocatedImage } from "./located-image.ts";
import type { RecordedImage } from "./record.ts";
import type { Run } from "./run.ts";
import { step } from "./step.ts";

/**
 * The disk of an image, in the store: content-addressed, read-only, shared by all machines. Taken from there if it is there and whole,
 * else copied, built or fetched; then complete or not there at all. `source` is the image plugin's name.
 */
export async function obtainImage(located: LocatedImage, run: Run, source: string = located.kind): Promise<RecordedImage> {
  const { store } = run.paths;
  for (;;) {
    const { image, origin } = await obtain(located, run);
    await markUse(store, image.id);
    step("image.used");
    if (readImage(store, image.id)) return recordImage(store, source, image, origin); // else somebody removed it just before the mark
  }
}

function obtain(located: LocatedImage, run: Run): Promise<{ readonly image: StoredImage; readonly origin: ImageOrigin }> {
  switch (located.kind) {
    case "local": return obtainLocal(located, run);
    case "build": return obtainBuilt(located, run);
    case "fetch": return obtainFetched(located, run);
  }
}

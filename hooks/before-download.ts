import type { LocatedImage } from "../core/located-image.ts";
import type { HookBase } from "./base.ts";

/** Fires in init: the image is located and nothing is fetched. May change `image`: url, mirrors, digest. A failure unwinds init. */
export interface BeforeDownloadEvent extends HookBase {
  image: LocatedImage;
}

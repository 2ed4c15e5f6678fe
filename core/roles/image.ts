import type { LocatedImage } from "../located-image.ts";
import type { Architecture, DiskFormat, FirstBoot, HostFacts } from "../model.ts";
import type { Plugin } from "../plugin.ts";

export type { BuildImage, BuildSteps, FetchImage, LocalImage, LocatedImage } from "../located-image.ts";

/** What the core tells an image source. */
export interface ImageQuery {
  readonly host: HostFacts;
  /** Architecture of the guest. */
  readonly arch: Architecture;
  /** The launcher's platforms in order of liking, in the stream metadata's words: "qemu", "applehv". */
  readonly platforms: readonly string[];
  /** Disk formats the launcher boots. */
  readonly formats: readonly DiskFormat[];
  /** Folder that relative paths are relative to. */
  readonly folder: string;
  /** Text of a small index over HTTP(S). Throws MachineError "download" with the address. The size is bounded. */
  fetchText(url: string): Promise<string>;
}

/** Says where a machine's disk comes from. Fetches and builds nothing itself. */
export interface ImageSource extends Plugin {
  readonly role: "image";
  readonly firstBoot: FirstBoot;
  /** The login user that the image is made for; the spec's `user` wins. */
  readonly user: string;
  /** Called once at the start of init and by `plan`. May read an index through `query.fetchText`. The result always boots by itself. */
  locate(query: ImageQuery): Promise<LocatedImage> | LocatedImage;
}

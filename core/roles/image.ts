import type { LocatedImage } from "../located-image.ts";
import type { Architecture, DiskFormat, FirstBoot, HostFacts } from "../model.ts";
import type { Plugin } from "../plugin.ts";
import type { ChecksumSource, TrustedKey, VerifiedSignature } from "../signature.ts";

export type { ChecksumSource, FileSignature, TrustedKey, VerifiedSignature } from "../signature.ts";
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
  /**
   * Text that its publisher signed: a checksum file. With `signature` the signature lies beside it; without, the text is clear-signed and comes
   * without its armor. Throws MachineError "signature" unless one of the keys signed exactly this, "download" as `fetchText` does.
   */
  fetchSigned(url: string, options: { readonly signature?: string; readonly keys: readonly TrustedKey[] }): Promise<SignedText>;
  /** The whole answer to one GET, whatever its status, for protocols that talk in headers. Throws MachineError "download" only where no answer came, "offline" where no copy was kept. */
  ask(url: string, options?: AskOptions): Promise<Answer>;
}

export interface AskOptions {
  /** Sent to the address's own origin alone. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Take whatever certificate the server shows; for what is checked against a digest. Default: false. */
  readonly anyCertificate?: boolean;
  /**
   * Keep a copy of a good answer, for later use offline: false for what holds a secret, a token for one; true for what holds none although the
   * request named who asks. Default: true where no header but `accept` was sent.
   */
  readonly keep?: boolean;
}

/** A text and who signed it. Its `source` belongs into the image that it describes, as `checksums`. */
export interface SignedText {
  readonly text: string;
  readonly source: ChecksumSource & { readonly signature: VerifiedSignature };
}

/** An answer of a server. Names of headers are in lower case. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** At most 16 MiB of UTF-8. */
  readonly text: string;
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

import type { Command } from "./command.ts";
import type { Compression, Digest, DiskFormat, PlannedFile, SourceFormat } from "./model.ts";
import type { ChecksumSource, FileSignature } from "./signature.ts";

interface Located {
  /** What it is, for people: "Debian 12 built here", "Fedora CoreOS 44.20260707.3.1". */
  readonly title: string;
  /** Version of the distribution's release, where there is one. */
  readonly release?: string;
  /** The plugin behind each field, by the field's name. Kept by the core, for plans. */
  by?: Readonly<Record<string, string>>;
}

/** A file to fetch. The `beforeDownload` hook may change every field; the digest still guards what arrives. */
export interface FetchImage extends Located {
  readonly kind: "fetch";
  url: string;
  /** Tried in order after `url`. */
  mirrors?: string[];
  /** Checksum of the file as published. "waived" accepts anything, and is recorded. */
  digest: Digest | "waived";
  /** Checksum of the disk that comes out of decompression, where published. */
  resultDigest?: Digest;
  /** Where `digest` was read from, and who signed that. For `plan` and the record. */
  readonly checksums?: ChecksumSource;
  /** A detached OpenPGP signature of the file itself. Checked beside the digest; a failure refuses the file. */
  readonly signature?: FileSignature;
  /** Sent to the address's own origin alone, a registry's token for one. Never recorded, printed or logged. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Take whatever certificate the server shows: the digest tells whether it is the file. Default: false. */
  readonly anyCertificate?: boolean;
  readonly format: SourceFormat;
  readonly compression: Compression;
  /** Bytes of the file as published, where known. */
  readonly size?: number;
}

/** A disk on this host. It is trusted, and hashed on the way into the store. */
export interface LocalImage extends Located {
  readonly kind: "local";
  path: string;
  /** Default: told by the file's first bytes, after unpacking. */
  readonly format?: SourceFormat;
  /** Default: told by the file's first bytes. */
  readonly compression?: Compression;
  /** Checksum of the file, where one is known. */
  readonly digest?: Digest;
}

/** A disk to be built from packages or the like. */
export interface BuildImage extends Located {
  readonly kind: "build";
  /** A digest of everything that shapes the result; equal keys are built once. */
  readonly key: string;
  /** Programs that the build needs on the host. Missing ones are reported before it begins. */
  readonly needs: readonly string[];
  readonly format: DiskFormat;
  /** The steps. Pure: called by `plan` with placeholder paths as well. `scratch` is empty and removed afterwards. */
  steps(paths: { readonly scratch: string; readonly output: string }): BuildSteps;
}
export interface BuildSteps {
  readonly files: readonly PlannedFile[];
  /** Run one after the other by the core. */
  readonly commands: readonly Command[];
}

export type LocatedImage = FetchImage | LocalImage | BuildImage;

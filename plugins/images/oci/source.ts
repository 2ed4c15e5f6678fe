import type { Digest } from "glowplug";
import type { Descriptor, Document } from "./document.ts";

/** Where an image's documents are: a registry or a layout. */
export interface Source {
  /** What was asked for, for people. */
  readonly shown: string;
  /** The document that the reference means. Throws MachineError. */
  root(): Promise<Document>;
  /** A document that another points to, checked against its digest. Throws MachineError. */
  follow(descriptor: Descriptor): Promise<Document>;
  /** Where a document or a blob is. */
  locate(digest: Digest): string;
}

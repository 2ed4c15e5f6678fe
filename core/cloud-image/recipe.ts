import { MachineError } from "../errors.ts";
import type { Architecture, FirstBoot } from "../model.ts";
import type { ImageQuery } from "../roles/image.ts";
import type { TrustedKey } from "../signature.ts";
import { fillPattern, type Words } from "./name-pattern.ts";
import type { Wish } from "./offers.ts";

/**
 * How a distribution publishes its images. Paths are below `url`, or whole addresses, and hold words in braces: {arch} and {stream}, what
 * `words` adds, what the looks find ({release}, {build}, {codename}, and {name}, a file's whole name), and of a release 10.2.1 {major} 10 and {minor} 10.2.
 */
export interface CloudImage {
  /** The plugin's. */
  readonly name: string;
  /** The distribution's, for people. */
  readonly title: string;
  /** Default: cloud-init. */
  readonly firstBoot?: FirstBoot;
  /** The login user that the image is made for. */
  readonly user: string;
  /** Folder that the publisher's paths begin at. May hold {stream}. */
  readonly url: string;
  /** The same folder elsewhere, where the publisher names such places. Disks are fetched from there when `url` fails. */
  readonly mirrors?: readonly string[];
  /** The publisher's names of the architectures that it has images for. */
  readonly architectures: Partial<Readonly<Record<Architecture, string>>>;
  /** Lines of images that users choose from, as in NAME:STREAM; the first is the default. Default: there is one. */
  readonly streams?: readonly string[];
  /** More words, by what the machine is. */
  words?(query: ImageQuery): Words;
  /** What is found out, one after the other. */
  readonly looks: readonly Look[];
  /** Path of the disk. Words of its name that are still unknown are found among the checksums. */
  readonly file: string;
  /** Path of a list of checksums. {file} is the disk's name. */
  readonly checksums: string;
  /** Where the checksums' signature is: a path, or "inside" for a text that is clear-signed. Default: they are not signed. */
  readonly signature?: string;
  /** Path of a detached signature of the disk itself. Default: it is not signed. */
  readonly fileSignature?: string;
  /** Who signs a release; an empty list where that key is not known. Default: nobody's key is, and the checksums alone are relied on unless the user names keys. */
  keys?(words: Words): readonly TrustedKey[];
}

/** One page that is read, and what it offers; of several the newest that fits the wish is taken. */
export interface Look {
  /** Path of the page. "" is the publisher's folder itself. */
  readonly at: string | ((wish: Wish) => string);
  /** Names in the folder that is listed there, first choice first. Those of folders end with "/". */
  readonly names?: readonly string[];
  /** Reads a page that lists no names, an index in JSON for one. Empty for a text that is something else; throws nothing. */
  offers?(text: string, known: Words): readonly Words[];
  /** What the page is to be, for errors: "a list of releases". Default: a folder with such names. */
  readonly what?: string;
  /** Of what is found, only this counts. */
  only?(offer: Words, wish: Wish): boolean;
  /** A release can be listed before it has images, with a folder that holds other things: then the next older one is taken. */
  readonly mayBeEarly?: boolean;
}

/** One question for an image: the recipe, what is asked, and what the user chose. */
export interface Search {
  readonly image: CloudImage;
  readonly query: ImageQuery;
  readonly wish: Wish;
  readonly stream: string | undefined;
  readonly keys: readonly TrustedKey[] | undefined;
  readonly url: string | undefined;
}

/** A path of the recipe as an address. */
export function addressOf({ image, url }: Pick<Search, "image" | "url">, path: string, words: Words): string {
  return below(url ?? fillPattern(image.url, words), path);
}

/** An address below a folder's. */
export function below(folder: string, path: string): string {
  return new URL(path, folder.endsWith("/") ? folder : `${folder}/`).href;
}

/** MachineError "bad-image" for a page that is not what it should be. */
export function badIndex({ name, title }: CloudImage, message: string): MachineError {
  return new MachineError("bad-image", message, {
    plugin: name,
    hint: `Open the address in a browser. Something else may have answered in the place of ${title}, a proxy or a login page. Or it publishes in a new way: a newer glowplug may know it, and a disk's own address works in any case.`,
  });
}

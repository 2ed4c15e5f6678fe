import { checkKeys, checkOptions, MachineError, type FetchImage, type ImageQuery, type ImageSource, type TrustedKey } from "glowplug";
import { badImage, chooseDisk, parseMetadata, readDisk, readSignature, type OfferedDisk } from "./fcos/disks.ts";
import { buildFolder, disksOfBuild, streamOfRelease } from "./fcos/build.ts";
import { keys as fedoraKeys } from "./fcos/keys.ts";
import { disksOfStream, streams, type Stream } from "./fcos/stream.ts";

export interface FcosOptions {
  /** Default: "stable"; where `release` is given, the one that it belongs to. */
  readonly stream?: Stream;
  /** A release to stay with: "44.20260707.3.1". Default: the stream's newest at init. */
  readonly release?: string;
  /**
   * Address of the folder with the streams' metadata, stable.json and its like. Builds of a pinned release are looked for beside it,
   * in ../prod/streams, as Fedora publishes them. Default: https://builds.coreos.fedoraproject.org/streams.
   */
  readonly url?: string;
  /**
   * Who may have signed the disk: for builds of your own. An empty list goes by the checksums alone. Default: Fedora's key for the release,
   * which comes with this plugin.
   */
  readonly keys?: readonly TrustedKey[];
}

const published = "https://builds.coreos.fedoraproject.org/streams";

/**
 * Fedora CoreOS, as its stream metadata names it: for all architectures and platforms that are there. Every disk is signed by the key of the
 * Fedora release that it is made of. It does not update itself.
 */
export default function fcos(options: FcosOptions = {}): ImageSource {
  checkOptions("fcos", options, ["stream", "release", "url", "keys"]);
  const stream = chosenStream(options);
  const { release } = options;
  const keys = checkKeys("fcos", options.keys);
  const base = folderAddress(options.url ?? published);
  return {
    name: "fcos",
    role: "image",
    firstBoot: "ignition",
    user: "core",
    locate: (query) => (release === undefined ? locateNewest({ base, stream, keys, query }) : locateBuild(release, { base, stream, keys, query })),

    ignition({ guest }) {
      // It would fetch a new release and reboot for it. A machine is renewed by its image.
      guest.unit({ name: "zincati.service", enabled: false });
    },
  };
}

interface Search {
  readonly base: URL;
  readonly stream: Stream;
  readonly keys: readonly TrustedKey[] | undefined;
  readonly query: ImageQuery;
}

async function locateNewest(search: Search): Promise<FetchImage> {
  const { base, stream, query } = search;
  const address = new URL(`${stream}.json`, base).href;
  const metadata = parseMetadata(await query.fetchText(address), address);
  return describe(disksOfStream(metadata, address, query.arch), address, search);
}

async function locateBuild(release: string, search: Search): Promise<FetchImage> {
  const { base, stream, query: { arch, fetchText } } = search;
  const folder = buildFolder(base, stream, release, arch);
  const address = new URL("meta.json", folder).href;
  const metadata = parseMetadata(await fetchText(address), address);
  return describe(disksOfBuild(metadata, { address, folder, release, arch }), address, search);
}

function describe(offers: readonly OfferedDisk[], address: string, { stream, keys, query }: Search): FetchImage {
  const { offer, format, compression } = chooseDisk(offers, address, query);
  const { release, ...disk } = readDisk(offer, address);
  const signers = keys ?? keyFor(release);
  return {
    kind: "fetch", title: `Fedora CoreOS ${release} (${stream})`, release, ...disk, ...(signers.length > 0 && { signature: { url: readSignature(offer, address), keys: signers } }), format, compression,
  };
}

/** The key of a release's Fedora. Throws MachineError "signature" where it is not known. */
function keyFor(release: string): readonly TrustedKey[] {
  const [fedora = ""] = release.split(".");
  const key = Object.hasOwn(fedoraKeys, fedora) ? fedoraKeys[fedora] : undefined;
  if (key) return [key];
  const known = Object.keys(fedoraKeys);
  throw new MachineError("signature", `Fedora CoreOS ${release} is signed by the key of Fedora ${fedora}, and those of ${known[0]} to ${known.at(-1)} are known here`, {
    plugin: "fcos", hint: `A newer glowplug may know it. Choose another release, or name the key in the option "keys"; an empty list there goes by the checksums alone.`,
  });
}

function chosenStream({ stream, release }: FcosOptions): Stream {
  if (stream !== undefined && !streams.includes(stream)) throw bad(`there is no stream ${JSON.stringify(stream)}`, `Streams are ${streams.join(", ")}.`);
  if (release === undefined) return stream ?? "stable";
  const its = streamOfRelease(release);
  if (its === undefined) throw bad(`${JSON.stringify(release)} is no release of a stream`, 'Write it in full, as in "44.20260707.3.1"; its third number is 1 for next, 2 for testing, 3 for stable.');
  if (stream !== undefined && stream !== its) throw bad(`the release ${release} is of the stream ${its}, not of ${stream}`, "Leave one of the two out.");
  return its;
}

function folderAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw bad(`the metadata's address ${JSON.stringify(address)} is no http or https URL`, "Write the whole address of the folder that holds stable.json.");
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

function bad(message: string, hint: string): MachineError {
  return badImage(`Fedora CoreOS: ${message}`, hint);
}

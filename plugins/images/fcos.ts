import { checkOptions, MachineError, type FetchImage, type ImageQuery, type ImageSource } from "glowplug";
import { badImage, chooseDisk, parseMetadata, readDisk, type OfferedDisk } from "./fcos/disks.ts";
import { buildFolder, disksOfBuild, streamOfRelease } from "./fcos/build.ts";
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
}

const published = "https://builds.coreos.fedoraproject.org/streams";

/** Fedora CoreOS, as its stream metadata names it: for all architectures and platforms that are there. It does not update itself. */
export default function fcos(options: FcosOptions = {}): ImageSource {
  checkOptions("fcos", options, ["stream", "release", "url"]);
  const stream = chosenStream(options);
  const { release } = options;
  const base = folderAddress(options.url ?? published);
  return {
    name: "fcos",
    role: "image",
    firstBoot: "ignition",
    user: "core",
    locate: (query) => (release === undefined ? locateNewest(base, stream, query) : locateBuild(base, stream, release, query)),

    ignition({ guest }) {
      // It would fetch a new release and reboot for it. A machine is renewed by its image.
      guest.unit({ name: "zincati.service", enabled: false });
    },
  };
}

async function locateNewest(base: URL, stream: Stream, query: ImageQuery): Promise<FetchImage> {
  const address = new URL(`${stream}.json`, base).href;
  const metadata = parseMetadata(await query.fetchText(address), address);
  return describe(disksOfStream(metadata, address, query.arch), stream, address, query);
}

async function locateBuild(base: URL, stream: Stream, release: string, query: ImageQuery): Promise<FetchImage> {
  const folder = buildFolder(base, stream, release, query.arch);
  const address = new URL("meta.json", folder).href;
  const metadata = parseMetadata(await query.fetchText(address), address);
  return describe(disksOfBuild(metadata, { address, folder, release, arch: query.arch }), stream, address, query);
}

function describe(offers: readonly OfferedDisk[], stream: Stream, address: string, query: ImageQuery): FetchImage {
  const { offer, format, compression } = chooseDisk(offers, address, query);
  const { release, ...disk } = readDisk(offer, address);
  return { kind: "fetch", title: `Fedora CoreOS ${release} (${stream})`, release, ...disk, format, compression };
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

import { cloudImage, isObject, type CloudImageOptions, type ImageSource, type Words } from "glowplug";
import { keys } from "./fedora-cloud/keys.ts";

const image = "Fedora-Cloud-Base-Generic-{release}-{build}.{arch}.qcow2";

/** Fedora Cloud. Each release's CHECKSUM is clear-signed by the key of that release. */
export default function fedoraCloud(options: CloudImageOptions = {}): ImageSource {
  return cloudImage({
    name: "fedora-cloud",
    title: "Fedora Cloud",
    user: "fedora",
    // Sends on to a mirror that is near.
    url: "https://download.fedoraproject.org/pub/fedora/linux/",
    mirrors: ["https://dl.fedoraproject.org/pub/fedora/linux/"],
    architectures: { x86_64: "x86_64", aarch64: "aarch64", ppc64le: "ppc64le", s390x: "s390x" },
    looks: options.url === undefined
      ? [{ at: "https://fedoraproject.org/releases.json", what: "the list of Fedora's downloads", offers: releasesIn }]
      : [{ at: "releases/", names: ["{release}/"], mayBeEarly: true }, { at: "releases/{release}/Cloud/{arch}/images/", names: [image] }],
    file: `releases/{release}/Cloud/{arch}/images/${image}`,
    checksums: "releases/{release}/Cloud/{arch}/images/Fedora-Cloud-{release}-{build}-{arch}-CHECKSUM",
    signature: "inside",
    keys: ({ release = "" }) => (Object.hasOwn(keys, release) ? [keys[release] ?? []].flat() : []),
  }, options);
}

/** Releases in the list that Fedora's download pages are made of: an entry a file, with its address. "45 Beta" is none yet. */
function releasesIn(text: string, { arch }: Words): readonly Words[] {
  return listIn(text).flatMap((entry) => {
    if (!isObject(entry) || entry["arch"] !== arch || typeof entry["link"] !== "string") return [];
    const [, release, build] = /\/Fedora-Cloud-Base-Generic-(\d+)-([\d.]+)\.\w+\.qcow2$/.exec(entry["link"]) ?? [];
    return release === undefined || build === undefined ? [] : [{ release, build }];
  });
}

function listIn(text: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

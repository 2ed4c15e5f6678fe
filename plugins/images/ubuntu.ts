import { cloudImage, isObject, readObject, type CloudImageOptions, type ImageSource, type Words } from "glowplug";
import { keys } from "./ubuntu/keys.ts";

/** Ubuntu's cloud images: the newest release with long-term support, unless another is named. SHA256SUMS is signed by Ubuntu's key for images. */
export default function ubuntu(options: CloudImageOptions = {}): ImageSource {
  return cloudImage({
    name: "ubuntu",
    title: "Ubuntu",
    user: "ubuntu",
    url: "https://cloud-images.ubuntu.com/",
    architectures: { x86_64: "amd64", aarch64: "arm64", ppc64le: "ppc64el", s390x: "s390x" },
    streams: ["server", "minimal"],
    words: () => ({ folder: options.stream === "minimal" ? "minimal/releases" : "releases" }),
    looks: [{
      at: "{folder}/streams/v1/com.ubuntu.cloud:released:download.json", what: "a stream of images that were released", offers: buildsIn,
      only: ({ support }, { release }) => release !== undefined || support === "LTS",
    }],
    file: "{folder}/{codename}/release-{build}/ubuntu-{release}-{stream}-cloudimg-{arch}.img",
    checksums: "{folder}/{codename}/release-{build}/SHA256SUMS",
    signature: "{folder}/{codename}/release-{build}/SHA256SUMS.gpg",
    keys: () => keys,
  }, options);
}

/**
 * Builds in a simplestreams document: products has one entry a release and architecture, whose versions are named after their day
 * (https://git.launchpad.net/simplestreams/tree/doc/README). What it says of single files is not read: SHA256SUMS is signed.
 */
function buildsIn(text: string, { arch }: Words): readonly Words[] {
  const read = readObject(text);
  const products = "object" in read ? read.object["products"] : undefined;
  return Object.values(isObject(products) ? products : {}).flatMap((product) => {
    if (!isObject(product) || product["arch"] !== arch || !isObject(product["versions"])) return [];
    const { version, release, release_title: title } = product;
    if (typeof version !== "string" || typeof release !== "string") return [];
    return Object.keys(product["versions"]).map((build) => ({ release: version, codename: release, build, support: String(title).endsWith(" LTS") ? "LTS" : "short" }));
  });
}

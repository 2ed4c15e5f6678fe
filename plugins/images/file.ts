import { basename, isAbsolute, join } from "node:path";
import { checkOptions, Command, MachineError, readDigest, readDiskName, type BuildImage, type Digest, type FetchImage, type FirstBoot, type HostFacts, type ImageSource, type LocalImage, type SourceFormat } from "glowplug";

export interface FileOptions {
  /** A disk on this host, packed or not: absolute, or relative to the script; /dev/null is an empty one. Either this or `url`. */
  readonly path?: string;
  /** Address of a disk, compressed or not. */
  readonly url?: string;
  /** Checksum of the file, packed or not: "sha256:HEX" or "sha512:HEX". Needed with `url`, unless it is "waived". */
  readonly digest?: string;
  /** First-boot language of the guest. Default: ignition. */
  readonly firstBoot?: FirstBoot;
  /** Login user that the image is made for. Default: core. */
  readonly user?: string;
  /** Default: told by the file's first bytes; with `url`, by the name's ending, else qcow2. */
  readonly format?: SourceFormat;
}

/** A disk of one's own: a file on this host, which is trusted and hashed, or an address with its checksum. Either may be packed: gz, xz, zst, bz2, zip. */
export default function file(options: FileOptions | string): ImageSource {
  if (typeof options !== "string") checkOptions("file", options, ["path", "url", "digest", "firstBoot", "user", "format"]);
  const { path, url, digest, format, firstBoot = "ignition", user = "core" } = typeof options === "string" ? { path: options } : options;
  if ((path === undefined) === (url === undefined)) throw bad("needs either a path or an url", 'Write file("./disk.qcow2") or file({ url, digest }).');
  const from = path !== undefined ? localImage(path, digest, format) : remoteImage(url ?? "", digest, format);
  return {
    name: "file",
    role: "image",
    firstBoot,
    user,
    locate({ folder, host }) {
      if (path === "/dev/null") return emptyDisk(host);
      return from.kind === "local" && !isAbsolute(from.path) ? { ...from, path: join(folder, from.path) } : { ...from };
    },
  };
}

function localImage(path: string, digest: string | undefined, format: SourceFormat | undefined): LocalImage {
  if (path === "") throw bad("has an empty path", "Name the disk's file.");
  const { compression } = readDiskName(basename(path));
  const checked = digest === undefined ? "waived" : parseDigest(digest);
  // A name without an ending says nothing; one with it is held to it.
  return { kind: "local", title: basename(path), path, ...(format && { format }), ...(compression !== "none" && { compression }), ...(checked !== "waived" && { digest: checked }) };
}

/** What podman makes of /dev/null: a disk with nothing on it, for a machine that is made and never started. */
function emptyDisk(host: HostFacts): BuildImage {
  return {
    kind: "build", title: "an empty disk", key: "empty-disk", needs: ["qemu-img"], format: "qcow2",
    steps: ({ output }) => ({ files: [], commands: [new Command(host.find("qemu-img") ?? "qemu-img", { name: "qemu-img" }).add("create").add("-q").add("-f", "qcow2").add(output).add("1M")] }),
  };
}

function remoteImage(address: string, digest: string | undefined, format: SourceFormat | undefined): FetchImage {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw bad(`has the address ${JSON.stringify(address)}, which is no http or https URL`, "Write the whole address of the disk.");
  const title = fileNameIn(url);
  const named = readDiskName(title);
  return { kind: "fetch", title, url: url.href, digest: parseDigest(digest), format: format ?? named.format ?? "qcow2", compression: named.compression };
}

function fileNameIn({ pathname, host }: URL): string {
  const name = basename(pathname);
  try {
    return decodeURIComponent(name) || host;
  } catch {
    return name; // a percent sign that escapes nothing
  }
}

function parseDigest(text: string | undefined): Digest | "waived" {
  if (text === "waived") return text;
  const digest = readDigest((text ?? "").toLowerCase());
  if (digest) return digest;
  throw bad(text === undefined ? "has an address without a digest" : `has the digest ${JSON.stringify(text)}, which is none`, 'Write digest: "sha256:" and 64 hexadecimal digits, or "waived" to accept whatever arrives; on the command line --image-digest and --insecure-no-digest do the same.');
}

function bad(message: string, hint: string): MachineError {
  return new MachineError("bad-image", `the file image ${message}`, { plugin: "file", hint });
}

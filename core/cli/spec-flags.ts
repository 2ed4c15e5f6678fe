import { resolve } from "node:path";
import { MachineError } from "../errors.ts";
import type { Run } from "../run.ts";
import { defaults } from "../spec/defaults.ts";
import { checkedImage, imageOf, isAddress, pluginOf, volumeOf, type Place } from "../spec/words.ts";
import type { MachineSpec } from "../spec-types.ts";
import { parseSize } from "../units.ts";
import { list, on, text, whole, type FlagValues } from "./flags.ts";

/** Flags that describe a machine, with podman's meaning where podman has them. */
export const specFlags = {
  cpus: whole("--cpus <n>", "Virtual processors (default: half of the host's)"),
  memory: whole("-m, --memory <MiB>", `Memory in MiB (default: ${parseSize(defaults.memory) / 2 ** 20})`),
  diskSize: whole("--disk-size <GiB>", `Size of the disk in GiB (default: ${parseSize(defaults.disk) / 2 ** 30})`),
  swap: whole("-s, --swap <MiB>", "Swap of the guest in MiB, packed and kept in its memory (default: none)", 0),
  image: text("--image <what>", `A built-in's name, an address or a path (default: ${defaults.image})`),
  imageDigest: text("--image-digest <sha256:hex>", "Checksum of an image that is given by its address"),
  insecureNoDigest: on("--insecure-no-digest", "Take an image from its address without a checksum"),
  volume: list("-v, --volume <source[:target[:ro]]>", "Folder of the host to mount; an empty word means none"),
  usb: list("--usb <device>", "USB device: bus=N,devnum=N or vendor=HEX,product=HEX"),
  playbook: text("--playbook <file>", "Ansible playbook that first boot runs in the guest"),
  ignitionPath: text("--ignition-path <file>", "Ignition config that ours is merged into"),
  importNativeCa: on("--import-native-ca", "Make the guest trust the certificate authorities that this host trusts"),
  username: text("--username <name>", "Login user (default: the image's)"),
  rootful: on("--rootful", "Serve root's podman instead of the user's"),
  timezone: text("--timezone <zone>", "Time zone such as Europe/Rome, or local (default: local)"),
  provisioner: text("--provisioner <plugin>", "Who writes the first-boot config"),
  launcher: text("--launcher <plugin>", `Who runs the VM (default: ${defaults.launcher})`),
  forwarder: text("--forwarder <plugin>", `Who networks the VM (default: ${defaults.forwarders.join(", else ")})`),
  publish: list("-p, --publish <[addr:]host:guest[/udp]>", "Port of the host that leads into the machine"),
  plugin: list("--plugin <plugin>", "Further plugin: a built-in's name, a path or a package"),
} as const;

/** The flags as a layer of the spec: only what was given. Relative paths are relative to where the command runs. */
export function specOf(flags: FlagValues<typeof specFlags>, run: Place & Pick<Run, "report">): MachineSpec {
  const { cpus, memory, diskSize, swap, volume, usb, playbook, ignitionPath, importNativeCa, username, rootful, timezone, provisioner, launcher, forwarder, publish, plugin } = flags;
  return {
    ...(cpus !== undefined && { cpus }), ...(memory !== undefined && { memory: `${memory}MiB` as const }), ...(diskSize !== undefined && { disk: `${diskSize}GiB` as const }),
    ...(swap !== undefined && { swap: `${swap}MiB` as const }),
    ...imageField(flags, run),
    ...(volume && { volumes: volume.filter((word) => word !== "").map((word) => volumeOf(word, run)) }),
    ...(usb && { usb: usb.filter((word) => word !== "") }), ...(importNativeCa !== undefined && { importNativeCa }),
    ...(playbook !== undefined && { playbook: resolve(run.cwd, playbook) }), ...(ignitionPath !== undefined && { ignitionPath: resolve(run.cwd, ignitionPath) }),
    ...(username !== undefined && { user: username }), ...(rootful !== undefined && { rootful }), ...(timezone !== undefined && { timezone }),
    ...(provisioner !== undefined && { provisioner: pluginOf(provisioner, run) }), ...(launcher !== undefined && { launcher: pluginOf(launcher, run) }),
    ...(forwarder !== undefined && { forwarder: pluginOf(forwarder, run) }),
    ...(publish && { ports: publish }), ...(plugin && { plugins: plugin.map((word) => pluginOf(word, run)) }),
  };
}

/** The image: a word, or an address with its checksum. */
export function imageField({ image, imageDigest, insecureNoDigest }: Pick<FlagValues<typeof specFlags>, "image" | "imageDigest" | "insecureNoDigest">, run: Pick<Run, "cwd">): Pick<MachineSpec, "image"> {
  const checked = imageDigest ?? (insecureNoDigest ? "waived" : undefined);
  if (checked !== undefined && (image === undefined || !isAddress(image))) {
    throw new MachineError("usage", `${imageDigest === undefined ? "--insecure-no-digest" : "--image-digest"} goes with an image's address`, { hint: "Write --image https://... as well." });
  }
  if (image === undefined) return {};
  return { image: checked === undefined ? imageOf(image, run) : checkedImage(image, checked) };
}

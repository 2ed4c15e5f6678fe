import { posix } from "node:path";
import { hostPath } from "../host-path.ts";
import type { Share } from "../model.ts";

/** Mount targets that podman machine refuses, since they hide the guest's own system (its vmconfigs/volumes.go). */
const forbidden: readonly string[] = ["/bin", "/boot", "/dev", "/etc", "/home", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/var"];

/** Either a share, or what is wrong with the text. */
export type ParsedVolume = { readonly share: Share } | { readonly problem: string };

/** Reads "SOURCE[:TARGET[:OPTIONS]]". Options are ro and rw; podman's security_model is taken and means nothing here. */
export function parseVolume(text: string): ParsedVolume {
  const [source = "", target, options = "", ...rest] = text.split(":");
  if (source === "" || target === "" || rest.length > 0) return { problem: `expected "SOURCE[:TARGET[:ro]]", found ${JSON.stringify(text)}` };
  const words = options.split(",").filter((word) => word !== "");
  const unknown = words.find((word) => !isVolumeOption(word));
  if (unknown !== undefined) return { problem: `expected the option ro or rw, found ${JSON.stringify(unknown)} in ${JSON.stringify(text)}` };
  return { share: { source, ...(target !== undefined && { target }), readOnly: words.includes("ro") } };
}

/** Whether a word may stand behind a volume's target. */
export function isVolumeOption(word: string): boolean {
  return word === "" || word === "ro" || word === "rw" || word.startsWith("security_model=");
}

/** A share with its defaults. Sources are relative to the folder of whoever wrote them; `~/` is the user's home. Texts must have been checked. */
export function resolveVolume(volume: Share | string, folder: string, home: string): Required<Share> {
  const parsed = typeof volume === "string" ? parseVolume(volume) : { share: volume };
  const share: Share = "share" in parsed ? parsed.share : { source: "" };
  const source = hostPath(share.source, folder, home);
  return { source, target: share.target === undefined ? source : cleanTarget(share.target), readOnly: share.readOnly ?? false };
}

function cleanTarget(target: string): string {
  return posix.normalize(target).replace(/^\/{2,}/, "/").replace(/(.)\/$/, "$1");
}

/** What is wrong with a mount target; undefined when nothing is. One folder has many spellings: "/tmp/" and "/srv/../tmp" are /tmp. */
export function targetProblem(text: string): string | undefined {
  const target = cleanTarget(text);
  if (!target.startsWith("/")) return `expected an absolute path in the guest, found ${JSON.stringify(target)}`;
  if (target === "/" || forbidden.includes(target)) {
    return `machine mount destination cannot be ${JSON.stringify(target)}: consider another location or a subdirectory of an existing location`;
  }
  return undefined;
}

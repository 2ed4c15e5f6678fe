import type { Run } from "../run.ts";
import type { MachineSpec } from "../spec-types.ts";
import type { SpecLayer } from "./merge.ts";
import { checkedImage, imageOf, isAddress, pluginOf, volumeOf, type Place } from "./words.ts";

type Reader = (word: string, place: Place & Pick<Run, "report">) => MachineSpec;

/**
 * Variables by the names of init's flags, and what each says. A word that a field cannot hold is handed on as it is: the check of
 * the spec tells what was expected, and under the variable's name.
 */
const settings: Readonly<Record<string, Reader>> = {
  GLOWPLUG_CPUS: (word) => ({ cpus: asNumber(word) }),
  GLOWPLUG_MEMORY: (word) => ({ memory: asSize(word, "MiB") }),
  GLOWPLUG_DISK_SIZE: (word) => ({ disk: asSize(word, "GiB") }),
  GLOWPLUG_SWAP: (word) => ({ swap: asSize(word, "MiB") }),
  GLOWPLUG_IMAGE: (word, { cwd, env }) => {
    const digest = env["GLOWPLUG_IMAGE_DIGEST"];
    return { image: digest && isAddress(word) ? checkedImage(word, digest) : imageOf(word, { cwd }) };
  },
  GLOWPLUG_VOLUME: (word, place) => ({ volumes: asList(word).map((one) => volumeOf(one, place)) }),
  GLOWPLUG_USB: (word) => ({ usb: asList(word) }),
  GLOWPLUG_PLAYBOOK: (word) => ({ playbook: word }),
  GLOWPLUG_IGNITION_PATH: (word) => ({ ignitionPath: word }),
  GLOWPLUG_IMPORT_NATIVE_CA: (word) => ({ importNativeCa: asFlag(word) }),
  GLOWPLUG_USERNAME: (word) => ({ user: word }),
  GLOWPLUG_ROOTFUL: (word) => ({ rootful: asFlag(word) }),
  GLOWPLUG_TIMEZONE: (word) => ({ timezone: word }),
  GLOWPLUG_PROVISIONER: (word, place) => ({ provisioner: pluginOf(word, place) }),
  GLOWPLUG_LAUNCHER: (word, place) => ({ launcher: pluginOf(word, place) }),
  GLOWPLUG_FORWARDER: (word, place) => ({ forwarder: pluginOf(word, place) }),
  GLOWPLUG_PUBLISH: (word) => ({ ports: asList(word) }),
  GLOWPLUG_PLUGIN: (word, place) => ({ plugins: asList(word).map((one) => pluginOf(one, place)) }),
};

/** Names of the variables that say something of a machine, for messages and documentation. */
export const settingNames: readonly string[] = [...Object.keys(settings), "GLOWPLUG_IMAGE_DIGEST"];

/** What the environment says of machines, a layer a variable. An empty variable says nothing. */
export function environmentLayers(place: Place & Pick<Run, "report">): readonly SpecLayer[] {
  return Object.entries(settings).flatMap(([name, read]) => {
    const word = place.env[name]?.trim() ?? "";
    return word === "" ? [] : [{ source: "environment" as const, spec: read(word, place), where: name, folder: place.cwd }];
  });
}

/** Lists are words with blanks or line ends between them. */
function asList(word: string): string[] {
  return word.split(/\s+/);
}

function asNumber(word: string): number {
  return /^\d+$/.test(word) ? Number(word) : (word as unknown as number);
}

/** A bare number has the unit that the flag has. */
function asSize(word: string, unit: "MiB" | "GiB"): NonNullable<MachineSpec["memory"]> {
  return (/^\d+$/.test(word) ? `${word}${unit}` : word) as NonNullable<MachineSpec["memory"]>;
}

/** The words that podman's flags take. */
function asFlag(word: string): boolean {
  if (/^(1|t|true)$/i.test(word)) return true;
  return /^(0|f|false)$/i.test(word) ? false : (word as unknown as boolean);
}

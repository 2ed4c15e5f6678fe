import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { environmentOfProcess } from "../host.ts";
import type { Run } from "../run.ts";
import type { MachineSpec } from "../spec-types.ts";
import { defaults } from "./defaults.ts";
import { isVolumeOption } from "./volumes.ts";

/** What words of flags, of the environment and of podman's files stand in: relative paths are relative to where the command runs. */
export type Place = Pick<Run, "cwd" | "host" | "env">;

/** An image as one word: an address, a stream of podman 4's, or a file. A word that is a file here is meant as one, as podman takes it. */
export function imageOf(word: string, { cwd }: Pick<Place, "cwd">): NonNullable<MachineSpec["image"]> {
  if (isAddress(word)) return word;
  if (defaults.imageStreams.includes(word)) return `${defaults.image}:${word}`;
  const path = resolve(cwd, word);
  return isPath(word) || (existsSync(path) && statSync(path).isFile()) ? path : word;
}

/** Whether an image is given by its address, and so with a checksum. */
export function isAddress(word: string): boolean {
  return /^https?:\/\//i.test(word);
}

/** An image by its address with its checksum, or with "waived". */
export function checkedImage(url: string, digest: string): NonNullable<MachineSpec["image"]> {
  return [defaults.diskImage, { url, digest }];
}

/** A plugin's name, package or path. */
export function pluginOf(word: string, { cwd }: Pick<Place, "cwd">): string {
  return isPath(word) ? resolve(cwd, word) : word;
}

/**
 * "SOURCE[:TARGET[:OPTIONS]]" with an absolute source. As podman has it, variables are expanded, and an unknown option is told and
 * left out; a variable that is not set stays as it is, so that the error about its folder names it.
 */
export function volumeOf(word: string, { cwd, host, env, report }: Place & Pick<Run, "report">): string {
  const variable = (name: string): string | undefined => (name === "HOME" ? host.home : env[name] ?? environmentOfProcess()[name]);
  const expanded = word.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => variable(braced ?? bare ?? "") ?? whole);
  const [source = "", target, options, ...rest] = expanded.split(":");
  const known = options?.split(",").filter((option) => {
    if (isVolumeOption(option)) return true;
    report.warn(`Unknown option: ${option}`);
    return false;
  });
  return [resolve(cwd, source), ...(target === undefined ? [] : [target]), ...(known === undefined ? [] : [known.join(",")]), ...rest].join(":");
}

function isPath(word: string): boolean {
  return /^\.{0,2}\//.test(word);
}

import type { Forwarder, ImageSource, Launcher, Plugin, Provisioner } from "glowplug";
import { addonContract, type AddonContractOptions } from "./addon.ts";
import type { ContractCheck } from "./check.ts";
import { forwarderContract, type ForwarderContractOptions } from "./forwarder.ts";
import { imageContract, type ImageContractOptions } from "./image.ts";
import { launcherContract, type LauncherContractOptions } from "./launcher.ts";
import { provisionerContract } from "./provisioner.ts";

interface Contracts {
  readonly image: { readonly plugin: ImageSource; readonly options: ImageContractOptions };
  readonly provisioner: { readonly plugin: Provisioner; readonly options: Readonly<Record<string, never>> };
  readonly launcher: { readonly plugin: Launcher; readonly options: LauncherContractOptions };
  readonly forwarder: { readonly plugin: Forwarder; readonly options: ForwarderContractOptions };
  readonly addon: { readonly plugin: Plugin; readonly options: AddonContractOptions };
}
/** A slot, or "addon" for a plugin that fills none. */
export type ContractRole = keyof Contracts;

const contracts: { readonly [R in ContractRole]: (make: () => Contracts[R]["plugin"], options?: Contracts[R]["options"]) => readonly ContractCheck[] } = {
  image: imageContract, provisioner: provisionerContract, launcher: launcherContract, forwarder: forwarderContract, addon: addonContract,
};

/**
 * Everything that a plugin of a role promises, as checks for any test runner:
 * `for (const { title, run } of contractOf("launcher", () => myLauncher())) it(title, run);`
 */
export function contractOf<R extends ContractRole>(role: R, make: () => Contracts[R]["plugin"], options?: Contracts[R]["options"]): readonly ContractCheck[] {
  return contracts[role](make, options);
}

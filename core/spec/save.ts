import type { ResolvedSpec, SavedSpec } from "../spec-types.ts";

/** The plain data of a spec, with plugins by name: what the record keeps and what later runs are compared with. */
export function saveSpec({ image, provisioner, launcher, forwarder, plugins, ...plain }: ResolvedSpec): SavedSpec {
  const saved: SavedSpec = {
    ...plain, image: image.name, provisioner: provisioner.name, launcher: launcher.name, forwarder: forwarder.name, plugins: plugins.map(({ name }) => name),
  };
  return structuredClone(saved);
}

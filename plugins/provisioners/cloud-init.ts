import { createHash } from "node:crypto";
import { checkOptions, type Provisioner } from "glowplug";
import { cloudConfig, hostnameOf } from "./cloud-init/user-data.ts";
import { toYaml } from "./cloud-init/yaml.ts";

/**
 * Renders the guest draft for cloud-init, the first-boot program of most publishers' cloud images, as a NoCloud seed. Files of
 * root's are there before services start; users' files, folders, links and units are seen to at the end of the first boot, when
 * units that the draft enables are started. Guests without systemd get everything but units.
 */
export default function cloudInit(options: object = {}): Provisioner {
  checkOptions("cloud-init", options, []);
  return {
    name: "cloud-init",
    role: "provisioner",
    firstBoot: "cloud-init",
    seed: "nocloud",
    render(guest) {
      const userData = `#cloud-config\n${toYaml(cloudConfig(guest))}`;
      // A name for what cloud-init does once: it stays the same from boot to boot, since the seed is written once.
      const id = createHash("sha256").update(userData).digest("hex").slice(0, 32);
      const metaData = toYaml({ "instance-id": `glowplug-${id}`, "local-hostname": hostnameOf(guest) });
      return { kind: "nocloud", files: { "meta-data": metaData, "user-data": userData } };
    },
  };
}

#!/usr/bin/env glowplug
// A plugin that lies beside the script, on Debian, with a flag for QEMU.
//   glowplug up ./own-plugin.ts
import { defineMachine } from "glowplug";
import qemu from "glowplug/plugins/launchers/qemu";
import motd from "./motd-plugin.ts";

export default defineMachine({
  image: "debian-bootstrap",
  memory: "1GiB",
  disk: "10GiB",
  launcher: qemu({ args: ["-device", "virtio-keyboard-pci"] }),
  plugins: [motd({ text: "Welcome aboard." })],
});

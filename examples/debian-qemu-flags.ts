#!/usr/bin/env glowplug
// Another distribution, and further flags for QEMU: Debian, built on this host from its packages, with a hardware watchdog that
// resets a guest which hangs. `glowplug plan` shows each flag with the plugin that put it there.
//   glowplug up ./debian-qemu-flags.ts
import { defineMachine } from "glowplug";
import debianBootstrap from "glowplug/plugins/images/debian-bootstrap";
import qemu from "glowplug/plugins/launchers/qemu";

export default defineMachine({
  memory: "1GiB",
  image: debianBootstrap({ packages: ["htop"], kernelArguments: ["mitigations=off"] }),
  launcher: qemu({ args: ["-device", "i6300esb", ["-action", "watchdog=reset"]] }),
  files: [{ path: "/etc/systemd/system.conf.d/10-watchdog.conf", content: "[Manager]\nRuntimeWatchdogSec=30\n" }],
});

#!/usr/bin/env glowplug
// A script is a plugin too: its methods are called after those of all other plugins, so it has the last word.
//   glowplug up ./hooks.ts && glowplug stop hooks
import { defineMachine } from "glowplug";

export default defineMachine({
  image: "debian-bootstrap",
  memory: "1GiB",

  // init: the image is located, and nothing is fetched yet.
  beforeDownload({ image, log }) {
    log(`the disk will be ${image.title}`);
    if (image.kind === "fetch") image.mirrors = ["http://mirror.example/disk.qcow2.xz"];
  },
  // init: the guest is drafted, in no format in particular.
  ignition({ guest }) {
    guest.file({ path: "/etc/sysctl.d/50-swap.conf", content: "vm.swappiness = 10\n" });
    guest.unit({ name: "fstrim.timer", enabled: true });
  },
  // Every start: the commands are planned, and nothing runs yet.
  beforeBoot({ boot }) {
    boot.vm.add("-device", "virtio-keyboard-pci");
  },
  // Every start: the guest is up.
  async afterStart({ ssh, log }) {
    const { stdout } = await ssh.exec("cat /etc/sysctl.d/50-swap.conf");
    log(stdout.trim());
  },
  // Every stop that is not forced: the guest still answers.
  async beforeStop({ ssh }) {
    await ssh.exec(["sudo", "sync"], { timeoutMs: 10_000 });
  },
});

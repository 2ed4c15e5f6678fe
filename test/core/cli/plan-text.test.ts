import { expect, test } from "vitest";
import { planText } from "../../../core/cli/plan-text.ts";
import type { Plan } from "../../../core/plan.ts";

const plan: Plan = {
  name: "web", script: "/srv/web.ts", exists: false, host: { os: "linux", arch: "x86_64" },
  slots: { image: "debian", provisioner: "cloud-init", launcher: "qemu", forwarder: "gvproxy" }, plugins: ["podman", "web"],
  image: {
    kind: "fetch", title: "Debian 12", url: "https://images.test/debian-12.qcow2", mirrors: ["https://mirror.test/debian-12.qcow2"],
    digest: { algorithm: "sha512", hex: "abcd" }, checksums: { url: "https://images.test/SHA512SUMS", signature: { url: "https://images.test/SHA512SUMS.sign", fingerprint: "f00d", owner: "Debian", signed: "2026-01-01T00:00:00.000Z" } },
    format: "qcow2", compression: "none", size: 3 * 2 ** 20, by: { url: "mirror" },
  },
  firstBoot: { kind: "nocloud", text: "x".repeat(2048), parts: [{ what: "user core" }, { what: "file /etc/motd", by: "web" }, { what: "command apt-get update\napt-get install", by: "podman" }] },
  accelerators: [{ name: "kvm", usable: false, reason: "/dev/kvm is not there" }, { name: "tcg", usable: true }],
  vm: {
    name: "qemu-system-x86_64", program: "/usr/bin/qemu-system-x86_64", line: "",
    entries: [{ flag: "-m", value: "2048", by: "qemu" }, { flag: "-nodefaults", by: "qemu" }, { flag: "-name", value: "a b", by: "web" }],
  },
  helpers: [],
  forwarder: { name: "gvproxy", program: "/usr/libexec/podman/gvproxy", entries: [{ flag: "-mtu", value: "1500", by: "gvproxy" }], line: "" },
  files: [{ path: "/data/vars.fd", content: { zeros: 64 }, keep: true }],
  ssh: { host: "127.0.0.1", port: "<ssh-port>" }, ports: [{ host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" }],
  sockets: [{ host: "/run/podman.sock", guest: "/run/user/1000/podman/podman.sock" }], notes: ["kvm is not used: /dev/kvm is not there"],
};

test("a plan is grouped, one flag a row, with the plugin behind it", () => {
  expect(planText(plan)).toBe(`\
Machine web on linux/x86_64, not made yet
  script       /srv/web.ts
  image        debian
  provisioner  cloud-init
  launcher     qemu
  forwarder    gvproxy
  plugins      podman, web
  accelerator  kvm (not used: /dev/kvm is not there), tcg

Image: Debian 12
  fetch        https://images.test/debian-12.qcow2  # by mirror
  or           https://mirror.test/debian-12.qcow2
  digest       sha512:abcd
  checksums    https://images.test/SHA512SUMS
  signed by    Debian, f00d
  format       qcow2, 3MiB

First boot: nocloud, 2KiB (all of it: glowplug plan --first-boot)
  user core
  file /etc/motd              # by web
  command apt-get update ...  # by podman

Files made before the start
  /data/vars.fd (kept if it is there)

Forwarder: gvproxy
  /usr/libexec/podman/gvproxy
    -mtu 1500  # by gvproxy

VM: qemu-system-x86_64
  /usr/bin/qemu-system-x86_64
    -m 2048      # by qemu
    -nodefaults  # by qemu
    -name 'a b'  # by web

Ways in
  ssh on 127.0.0.1:<ssh-port>
  port 127.0.0.1:8080 to 80/tcp
  socket /run/podman.sock to /run/user/1000/podman/podman.sock

Notes
  kvm is not used: /dev/kvm is not there
`);
});

test("a built image shows its steps, a local one its path", () => {
  const step = { name: "mmdebstrap", program: "/usr/bin/mmdebstrap", entries: [{ flag: "--variant", value: "minbase", by: "debian-bootstrap" }], line: "" };
  const built = planText({ ...plan, image: { kind: "build", title: "Debian built here", key: "k1", needs: ["mmdebstrap", "mke2fs"], format: "raw", steps: () => ({ files: [], commands: [] }) }, build: { files: [], commands: [step] } });
  expect(built).toContain("Image: Debian built here\n  build key    k1\n  needs        mmdebstrap, mke2fs\n\nBuild step 1: mmdebstrap\n  /usr/bin/mmdebstrap\n    --variant minbase  # by debian-bootstrap\n");
  expect(planText({ ...plan, image: { kind: "local", title: "a file", path: "/a.qcow2" } })).toContain("Image: a file\n  file         /a.qcow2\n");
});

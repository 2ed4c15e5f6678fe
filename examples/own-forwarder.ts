#!/usr/bin/env glowplug
// A forwarder of one's own: ports reach the guest over the machine's ssh connection and in no other way. A service may then listen on
// the guest's loopback alone. Nothing beside QEMU is needed.
//   glowplug up ./own-forwarder.ts
import { defineMachine, type Forwarder } from "glowplug";

/** QEMU's user networking, which opens ssh's port and nothing else. */
export function overSsh(): Forwarder {
  return {
    name: "over-ssh",
    role: "forwarder",
    links: ["user"],
    runtimePorts: true,
    check() {},

    plan({ mac, sshPort }) {
      return {
        listens: [],
        link: { kind: "user", mac, forwards: [{ host: "127.0.0.1", hostPort: sshPort, guestPort: 22, protocol: "tcp" }] },
        ssh: { host: "127.0.0.1", port: sshPort },
        expose: { kind: "ssh" },
        openAtStart: [],
        guestOpensPorts: false,
        // libslirp's address for the host's loopback.
        names: { "host.containers.internal": "10.0.2.2" },
        notes: [],
      };
    },
  };
}

export default defineMachine({
  image: "debian-bootstrap",
  memory: "1GiB",
  forwarder: overSsh(),
  ports: ["8080:80"],
  units: [{ name: "page.service", content: "[Service]\nExecStart=/bin/busybox httpd -f -p 127.0.0.1:80 -h /etc\n[Install]\nWantedBy=multi-user.target\n" }],
});

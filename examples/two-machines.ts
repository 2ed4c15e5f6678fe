#!/usr/bin/env glowplug
// Two machines in one script, by name. `back` publishes a page on this host's loopback, and `front` reads it there: gvproxy calls the
// host host.containers.internal.
//   glowplug run ./two-machines.ts up back
//   glowplug run ./two-machines.ts up front
//   glowplug ssh front wget -qO- http://host.containers.internal:9000/page
import { defineMachine, type MachineSpec } from "glowplug";

const common: MachineSpec = { image: "debian-bootstrap", forwarder: "gvproxy", cpus: 1, memory: "1GiB", podman: false };

export default {
  back: defineMachine({
    ...common,
    ports: ["9000:9000"],
    files: [{ path: "/srv/page", content: "from the back\n" }],
    units: [{ name: "page.service", content: "[Service]\nExecStart=/bin/busybox httpd -f -p 9000 -h /srv\n[Install]\nWantedBy=multi-user.target\n" }],
  }),
  front: defineMachine({ ...common, packages: ["wget"] }),
};

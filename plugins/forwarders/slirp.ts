import { checkOptions, MachineError, type Forwarder, type NetInput, type NetPlan, type ResolvedPort } from "glowplug";

/**
 * QEMU's own user networking (libslirp): nothing to install and no process. The guest is 10.0.2.15, the host's loopback 10.0.2.2.
 * Slower than gvproxy, and the guest's podman cannot ask it for ports: those are opened from the host.
 */
export default function slirp(options: Readonly<Record<string, never>> = {}): Forwarder {
  checkOptions("slirp", options, []);
  return {
    name: "slirp",
    role: "forwarder",
    links: ["user"],
    runtimePorts: true,
    check() {},

    plan({ mac, sshPort, ports }: NetInput): NetPlan {
      const ssh: ResolvedPort = { host: "127.0.0.1", hostPort: sshPort, guestPort: 22, protocol: "tcp" };
      for (const port of ports) checkAddress(port);
      return {
        listens: [],
        link: { kind: "user", mac, forwards: [ssh, ...ports] },
        ssh: { host: "127.0.0.1", port: sshPort },
        // Without a name the only user network is meant. Both lines print something only when they fail, or when one was removed.
        expose: { kind: "monitor", add: "hostfwd_add {protocol}:{host}:{hostPort}-:{guestPort}", remove: "hostfwd_remove {protocol}:{host}:{hostPort}" },
        openAtStart: ports,
        guestOpensPorts: false,
        names: { "host.containers.internal": hostAddress, "host.docker.internal": hostAddress, "gateway.containers.internal": hostAddress, "gateway.docker.internal": hostAddress },
        notes: [],
      };
    },
  };
}

/** What libslirp maps to the host's loopback. */
const hostAddress = "10.0.2.2";

/** QEMU's rules know IPv4 addresses alone (slirp_hostfwd in net/slirp.c). */
function checkAddress({ host, hostPort }: ResolvedPort): void {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return;
  throw new MachineError("bad-spec", `slirp cannot listen on ${host} for port ${hostPort}: it takes IPv4 addresses alone`, {
    plugin: "slirp", hint: "Name an IPv4 address of this host, or choose another forwarder.",
  });
}

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { portOf, readForwards, refusalOf, ruleOf } from "../../../core/keeper/forwards.ts";

const forward = (local: string, protocol = "tcp", remote = "192.168.127.2:80") => ({ local, remote, protocol });

test("a forwarder's list becomes ports; without an address every one is bound, and sockets are no ports", () => {
  const list = [
    forward("127.0.0.1:2222", "tcp", "192.168.127.2:22"), forward(":8080", "tcp", "192.168.127.2:8080"), forward("[::1]:53", "udp", "192.168.127.2:53"),
    forward("/run/podman.sock", "unix", "ssh-tunnel://core@192.168.127.2/run/podman.sock"),
  ];
  expect(readForwards(JSON.stringify(list))).toEqual(list);
  expect(list.map(portOf)).toEqual([
    { host: "127.0.0.1", hostPort: 2222, guestPort: 22, protocol: "tcp" },
    { host: "0.0.0.0", hostPort: 8080, guestPort: 8080, protocol: "tcp" },
    { host: "::1", hostPort: 53, guestPort: 53, protocol: "udp" },
    undefined,
  ]);
});

test("what is no list is refused, and what is no forward in it is passed by", () => {
  for (const text of ["", "null", "{}", "<html>", "7"]) expect(() => readForwards(text)).toThrow(/^the forwarder tells no list of its ports, but "/);
  expect(readForwards('[null, 7, "x", {}, {"local": 1, "remote": "", "protocol": "tcp"}, []]')).toEqual([]);
});

test.each([
  ["any", "0.0.0.0", 8080, 0, undefined],
  ["any", "192.168.1.5", 80, 0, undefined],
  ["any", "0.0.0.0", 80, 1024, "the guest may open no port below 1024"],
  ["loopback", "127.0.0.1", 8080, 0, undefined],
  ["loopback", "127.8.9.1", 8080, 0, undefined],
  ["loopback", "::1", 8080, 0, undefined],
  ["loopback", "0.0.0.0", 8080, 0, "the guest may open ports of the loopback alone"],
  ["loopback", "::", 8080, 0, "the guest may open ports of the loopback alone"],
  ["loopback", "127.0.0.1.example.org", 8080, 0, "the guest may open ports of the loopback alone"],
  ["loopback", "localhost", 8080, 0, "the guest may open ports of the loopback alone"],
  ["loopback", "127.0.0.1", 80, 1024, "the guest may open no port below 1024"],
  ["none", "127.0.0.1", 8080, 0, "the guest may open no port"],
] as const)("where the guest may open %s ports, %s:%i with a lowest port of %i: %s", (allowed, host, hostPort, lowest, refusal) => {
  expect(refusalOf({ host, hostPort, guestPort: 80, protocol: "tcp" }, { allowed, lowest })).toBe(refusal);
});

test("an ordinary user's machine has no lowest port of ours, root's has that of the host's users", () => {
  expect(ruleOf("any", 1000)).toEqual({ allowed: "any", lowest: 0 });
  expect(ruleOf("loopback", 0)).toEqual({ allowed: "loopback", lowest: Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8")) });
});

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, World } from "../support/world.ts";

/** What a real guest is given by its host: volumes, names, proxies, certificates, swap, a zone, a playbook; one machine, one restart. */
describe("a real guest and what its host gives it", () => {
  let world: World;
  let web: Server;
  let secure: Server;
  const asked: string[] = [];
  const work = (name: string): string => join(world.folder, "work", name);
  const inGuest = (line: string): Promise<string> => world.ok("ssh", "web", line);
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  const owner = (name: string): readonly [string, number, number] => {
    const { uid, gid } = statSync(work(name));
    return [name, uid, gid];
  };
  const mine = (name: string): readonly [string, number, number] => [name, process.getuid?.() ?? -1, process.getgid?.() ?? -1];

  beforeAll(async () => {
    world = new World();
    for (const name of ["src", "fixed", "with space", "later"]) mkdirSync(work(name));
    writeFileSync(work("fixed/page"), "from the host\n");
    writeFileSync(work("site.yml"), "- hosts: localhost\n");
    // A web server on the host's loopback, which is a proxy as well: those are asked for whole addresses.
    web = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end("the host's\n");
    }).listen(0, "127.0.0.1");
    await makeCertificates();
    secure = createSecureServer({ key: readFileSync(work("key.pem")), cert: readFileSync(work("cert.pem")) }, (_, response) => response.end("trusted\n")).listen(0, "127.0.0.1");

    const player = '#!/bin/sh\necho "$(id -un) plays $(cat "$1")" >> /var/tmp/played\n';
    world.write("web.ts", `export default {
  cpus: 2, memory: "2GiB", disk: "12GiB", image: "debian-bootstrap", forwarder: "gvproxy",
  volumes: ["./src:/srv/src", "./fixed:/mnt/fixed:ro", { source: "./with space", target: "/data/with space" }],
  swap: "256MiB", timezone: "Asia/Tokyo", playbook: "./site.yml", importNativeCa: true,
  files: [{ path: "/usr/local/bin/ansible-playbook", mode: 0o755, content: ${JSON.stringify(player)} }],
};
`);
    await world.ok("init", "./web.ts");
    Object.assign(world.env, { http_proxy: `http://localhost:${portOf(web)}`, SSL_CERT_FILE: work("ca.pem") });
    await world.ok("start", "web");
    // An image of busybox alone, for the user's podman and for root's.
    await inGuest("mkdir -p tree/bin && cp /bin/busybox tree/bin && tar -C tree -cf bb.tar bin && podman import -q bb.tar bb && sudo podman import -q bb.tar bb");
  });
  afterAll(async () => {
    await world.close();
    for (const server of [web, secure]) server.close();
  });

  it("has volumes, and what anybody writes there is the host user's on the host", async () => {
    await inGuest("echo mine > /srv/src/core; sudo sh -c 'echo root > /srv/src/root'; echo spaced > '/data/with space/file'; chmod 600 /srv/src/core");
    for (const name of ["src/core", "src/root", "with space/file"]) expect(owner(name)).toEqual(mine(name));
    expect(readFileSync(work("with space/file"), "utf8")).toBe("spaced\n");
    expect(await inGuest("stat -c %U /srv/src /srv/src/core /srv/src/root; findmnt -n -o FSTYPE /srv/src")).toBe("core\ncore\ncore\nvirtiofs\n");
  });

  it("cannot write a read-only volume, not even as root after mounting it anew", async () => {
    expect(await inGuest("cat /mnt/fixed/page")).toBe("from the host\n");
    const tried = await world.glowplug("ssh", "web", "sudo sh -c 'mount -o remount,rw /mnt/fixed; findmnt -n -o OPTIONS /mnt/fixed; echo no > /mnt/fixed/page; echo no > /mnt/fixed/new; rm /mnt/fixed/page'");
    expect(tried).toMatchObject({ code: 1, stdout: expect.stringMatching(/^rw,/) as string, stderr: expect.stringContaining("Read-only file system") as string });
    expect([readFileSync(work("fixed/page"), "utf8"), existsSync(work("fixed/new"))]).toEqual(["from the host\n", false]);
  });

  it("runs containers that write into volumes, rootless as root and as the user, and rootful", async () => {
    const write = (name: string, then = "true"): string => `-v /srv/src:/v bb /bin/busybox sh -c "echo ${name} > /v/${name} && ${then}"`;
    const give = (name: string): string => write(name, `/bin/busybox chown 7:7 /v/${name}`);
    await inGuest(`podman run --rm ${give("rootless")} && podman run --rm --userns=keep-id ${write("kept")} && sudo podman run --rm ${give("rootful")}`);
    for (const name of ["src/rootless", "src/kept", "src/rootful"]) expect(owner(name)).toEqual(mine(name));
  });

  it("gets a volume while it runs, and gives one back", async () => {
    writeFileSync(work("later/page"), "plugged\n");
    await world.ok("volume", "add", "web", "later:/mnt/later");
    expect(await inGuest("cat /mnt/later/page; echo back > /mnt/later/answer")).toBe("plugged\n");
    expect(readFileSync(work("later/answer"), "utf8")).toBe("back\n");
    expect(JSON.parse(await world.ok("volume", "ls", "web", "--json"))).toContainEqual({ Source: work("later"), Target: "/mnt/later", Mode: "rw", Type: "virtiofs", Status: "mounted" });
    await world.ok("volume", "rm", "web", "/srv/src");
    expect(await inGuest("ls /srv/src; findmnt -n -o TARGET -t virtiofs | sort")).toBe("/data/with space\n/mnt/fixed\n/mnt/later\n");
    expect(JSON.parse(await world.ok("inspect", "web"))).toMatchObject([{ Condition: "ok", Reason: "" }]);
  });

  it("knows the host and the gateway by name, in the guest and in containers", async () => {
    const names = ["host.containers.internal", "host.docker.internal", "gateway.containers.internal", "gateway.docker.internal"];
    expect(await inGuest(`getent ahostsv4 ${names.join(" ")} | grep STREAM | awk '{ print $1 }'`)).toBe("192.168.127.254\n192.168.127.254\n192.168.127.1\n192.168.127.1\n");
    const hosts = await inGuest("podman run --rm bb /bin/busybox cat /etc/hosts");
    for (const name of names) expect(hosts).toMatch(new RegExp(`^192\\.168\\.127\\.\\d+\\s.*\\b${name.replaceAll(".", "\\.")}(\\s|$)`, "m"));
    expect(await inGuest(`podman run --rm --http-proxy=false bb /bin/busybox wget -qO- http://host.docker.internal:${portOf(web)}/page`)).toBe("the host's\n");
  });

  it("goes through the host's proxy, services and containers too", async () => {
    expect(await inGuest("bash -lc 'curl -s http://elsewhere.test/shell'; sudo systemd-run -q --wait -P curl -s http://elsewhere.test/service")).toBe("the host's\nthe host's\n");
    expect(await inGuest("bash -lc 'podman run --rm bb /bin/busybox wget -qO- http://elsewhere.test/container'")).toBe("the host's\n");
    expect(asked).toEqual(expect.arrayContaining(["http://elsewhere.test/shell", "http://elsewhere.test/service", "http://elsewhere.test/container"]));
  });

  it("trusts the authority that the host trusts", async () => {
    expect(await inGuest(`curl -s https://host.containers.internal:${portOf(secure)}/`)).toBe("trusted\n");
  });

  it("has swap, the zone that was asked for, and played the playbook as its user", async () => {
    expect(await inGuest("awk 'NR > 1 { print $3 }' /proc/swaps; date +%Z; cat /var/tmp/played")).toMatch(/^26214\d\nJST\ncore plays - hosts: localhost\n$/);
  });

  it("serves the user's podman as docker.sock, under docker's name too", async () => {
    expect(await inGuest("readlink /run/docker.sock; docker version --format '{{.Client.Version}}' | grep -c .; cat /proc/sys/fs/inotify/max_user_instances")).toMatch(/^\/run\/user\/1000\/podman\/podman.sock\n1\n524288\n$/);
    expect(await inGuest("systemctl --failed --no-legend --plain")).toBe("");
  });

  it("has after a restart what its host then gives: the same volumes from its own boot on, no proxy, no authority, and root's podman", async () => {
    await world.ok("stop", "web");
    await world.ok("set", "--rootful", "web");
    world.env["http_proxy"] = "";
    world.env["SSL_CERT_FILE"] = "";
    await world.ok("start", "web");
    expect(await inGuest("cat /mnt/later/page /mnt/fixed/page; findmnt -n -o TARGET -t virtiofs | sort; systemctl --failed --no-legend --plain")).toBe("plugged\nfrom the host\n/data/with space\n/mnt/fixed\n/mnt/later\n");
    expect(await inGuest("times() { systemctl show -p ActiveEnterTimestampMonotonic --value \"$1\"; }; [ $(times mnt-later.mount) -lt $(times podman.socket) ] && echo before podman")).toBe("before podman\n");
    expect(await inGuest("bash -lc 'echo ${http_proxy-none}'; readlink /run/docker.sock; awk 'NR > 1 { print $3 }' /proc/swaps; wc -l < /var/tmp/played")).toMatch(/^none\n\/run\/podman\/podman.sock\n26214\d\n1\n$/);
    expect((await world.glowplug("ssh", "web", `curl -s https://host.containers.internal:${portOf(secure)}/`)).code).toBe(60);
    const [machine] = JSON.parse(await world.ok("inspect", "web")) as { ConnectionInfo: { PodmanSocket: { Path: string } } }[];
    const podman = await run("podman", ["--remote", "--url", `unix://${machine?.ConnectionInfo.PodmanSocket.Path ?? ""}`, "info", "--format", "{{.Host.Security.Rootless}}"], { env: world.env });
    expect(podman).toMatchObject({ code: 0, stdout: "false\n" });
  });

  /** An authority, and a certificate of it for the host's name in the guest. */
  async function makeCertificates(): Promise<void> {
    const openssl = async (...argv: string[]): Promise<void> => expect(await run("openssl", argv, { cwd: work("") })).toMatchObject({ code: 0 });
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Company Root", "-addext", "basicConstraints=critical,CA:TRUE");
    await openssl("req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", ...key, "-keyout", "key.pem", "-out", "cert.pem", "-days", "3650", "-subj", "/CN=host", "-addext", "subjectAltName=DNS:host.containers.internal", "-addext", "basicConstraints=critical,CA:FALSE");
  }
});

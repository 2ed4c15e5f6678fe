import { once } from "node:events";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import type { World } from "./world.ts";

/** Answers a line on a port of TCP and UDP with the protocol, the port and the line. */
const server = `use strict; use IO::Socket::INET; use IO::Socket::UNIX; use IO::Select;
my $port = shift;
my $udp = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => $port, Proto => "udp") or die $!;
my $tcp = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => $port, Proto => "tcp", Listen => 9, ReuseAddr => 1) or die $!;
IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $ENV{NOTIFY_SOCKET})->send("READY=1") if $ENV{NOTIFY_SOCKET};
my $select = IO::Select->new($udp, $tcp);
while (1) {
  for my $ready ($select->can_read) {
    if ($ready == $udp) { $udp->recv(my $text, 1500); $udp->send("udp $port $text") }
    else { my $client = $tcp->accept; my $line = <$client>; print $client "tcp $port $line"; close $client }
  }
}
`;
const unit = "[Service]\nType=notify\nExecStart=/usr/bin/perl /opt/echo.pl %i\n[Install]\nWantedBy=multi-user.target\n";

/** Has a guest answer on ports of its own, now and after each boot. */
export async function serveEcho(world: World, machine: string, ports: readonly number[]): Promise<void> {
  for (const [name, content] of [["echo.pl", server], ["echo@.service", unit]] as const) await world.ok("cp", "--quiet", world.write(name, content), `${machine}:${name}`);
  const units = ports.map((port) => `echo@${port}`).join(" ");
  await world.ok("ssh", machine, `sudo mv echo.pl /opt && sudo mv echo@.service /etc/systemd/system && sudo chown root: /opt/echo.pl /etc/systemd/system/echo@.service && sudo systemctl -q enable --now ${units}`);
}

/**
 * Has a container of the guest's podman answer on port 7 of both protocols, published as these words say. Its image is the guest's own Perl, for no
 * registry is there.
 */
export async function serveEchoInContainer(world: World, machine: string, name: string, publish: readonly string[]): Promise<void> {
  await world.ok("ssh", machine, "podman image exists perl || tar -C / -ch /usr/bin/perl $(ldd /usr/bin/perl | grep -o '/[^ ]*') /usr/lib/x86_64-linux-gnu/perl-base 2> /dev/null | podman import -q - perl");
  await world.ok("ssh", machine, `podman run -d --name ${name} ${publish.map((port) => `-p ${port}`).join(" ")} -v /opt/echo.pl:/echo.pl:ro perl /usr/bin/perl /echo.pl 7`);
}

/** How long an answer is waited for. */
const answerMs = 20_000;

/** What a TCP port of the host answers to a line; an error where nobody does. */
export async function askTcp(host: string, port: number, line: string): Promise<string> {
  const socket = connect(port, host);
  socket.setTimeout(answerMs, () => void socket.destroy(new Error(`nothing answered on ${host}:${port} within ${answerMs / 1000} s`)));
  // Its own side stays open: gvproxy ends both with the first.
  socket.write(`${line}\n`);
  return (await text(socket)).trim();
}

/** What a UDP port of the host answers to a line. A lost datagram is sent again each second: UDP promises nothing. */
export async function askUdp(host: string, port: number, line: string): Promise<string> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const again = setInterval(() => socket.send(line, port, host), 1000);
  try {
    socket.send(line, port, host);
    const [answer] = (await once(socket, "message", { signal: AbortSignal.timeout(answerMs) })) as [Buffer];
    return answer.toString().trim();
  } finally {
    clearInterval(again);
    socket.close();
  }
}

/** A port of the host, and the port of the guest that it leads to. */
export interface Published {
  readonly host: string;
  readonly port: number;
  readonly guest: number;
  readonly protocol: "tcp" | "udp";
}

/** Each of these must be answered by its port of the guest. */
export async function expectEcho(ports: readonly Published[]): Promise<void> {
  for (const { host, port, guest, protocol } of ports) {
    const ask = protocol === "tcp" ? askTcp : askUdp;
    expect(await ask(host, port, "hello"), `${host}:${port}/${protocol}`).toBe(`${protocol} ${guest} hello`);
  }
}

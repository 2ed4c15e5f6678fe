import { describe, expect, test } from "vitest";
import { matchPort } from "../../../core/cli/port-match.ts";
import type { OpenPort } from "../../../core/keeper/protocol.ts";
import { commandLine } from "./command-line.ts";

const port = (hostPort: number, changes: Partial<OpenPort> = {}): OpenPort => ({ host: "127.0.0.1", hostPort, guestPort: 80, protocol: "tcp", by: "host", ...changes });
const open = [port(8080), port(8081, { host: "::1" }), port(53), port(53, { protocol: "udp" }), port(9000, { host: "0.0.0.0", by: "guest" })];

describe("the ports that a word of `port rm` means", () => {
  test.each([
    ["8080", [open[0]]], ["8080/tcp", [open[0]]], ["127.0.0.1:8080", [open[0]]], ["8080:80", [open[0]]], ["127.0.0.1:8080:80/tcp", [open[0]]],
    ["8081", [open[1]]], ["[::1]:8081", [open[1]]], ["53/udp", [open[3]]], ["127.0.0.1:53/tcp", [open[2]]],
  ])("%s", (word, ports) => {
    expect(matchPort(word, open, "web")).toEqual(ports);
  });

  test.each([
    ["1", "not-found", "port 1 of the host does not lead into web"],
    ["8080/udp", "not-found", "port 8080/udp of the host does not lead into web"],
    ["10.0.0.1:8080", "not-found", "port 8080 of 10.0.0.1 does not lead into web"],
    ["53", "usage", "53 means 2 ports of web: 127.0.0.1:53/tcp, 127.0.0.1:53/udp"],
    ["9000", "wrong-state", "port 9000/tcp was opened by a program in web, and closes with it"],
    ["http", "usage", 'expected "[ADDRESS:]HOSTPORT:GUESTPORT[/udp]" such as "8080:80", found "http"'],
  ])("%s is refused", (word, code, message) => {
    expect(() => matchPort(word, open, "web")).toThrow(expect.objectContaining({ code, message }) as Error);
  });
});

describe("commands of a verb", () => {
  test.each([
    [["port"], "Error: missing command 'glowplug port COMMAND'\nhint: The commands are ls, list, add, rm, remove. See 'glowplug port --help'.\n"],
    [["port", "ad"], "Error: unrecognized command `glowplug port ad`\nhint: Did you mean add? See 'glowplug port --help'.\n"],
    [["port", "ls", "a", "b"], "Error: glowplug port ls accepts at most 1 argument, received 2\nhint: See 'glowplug port --help'.\n"],
    [["port", "add"], "Error: glowplug port add accepts at least 1 argument, received 0\nhint: See 'glowplug port --help'.\n"],
    [["port", "add", "web", "8080"], 'Error: expected "[ADDRESS:]HOSTPORT:GUESTPORT[/udp]" such as "8080:80", found "8080"\n'],
    [["port", "ls", "web"], "Error: web: VM does not exist\nhint: `glowplug list` shows the machines, `glowplug init web` makes this one.\n"],
    [["image", "pull"], "Error: glowplug image pull accepts 1 argument, received 0\nhint: See 'glowplug image --help'.\n"],
  ])("%j", async (argv, stderr) => {
    expect(await commandLine().run(argv)).toEqual({ status: 125, stdout: "", stderr });
  });
});

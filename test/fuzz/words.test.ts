import { expect, test } from "vitest";
import { parseCopy } from "../../core/cli/cp-arguments.ts";
import { globalFlags } from "../../core/cli/globals.ts";
import { parseFlags } from "../../core/cli/flags.ts";
import { formatGoTime } from "../../core/cli/go-time.ts";
import { parseFormat, renderTemplate, Stamp } from "../../core/cli/format.ts";
import { controlFilter, parseSince, selectLines } from "../../core/cli/log-lines.ts";
import { matchPort } from "../../core/cli/port-match.ts";
import { specFlags } from "../../core/cli/spec-flags.ts";
import { readDigest } from "../../core/digest.ts";
import { readDiskName } from "../../core/disk-name.ts";
import { MachineError } from "../../core/errors.ts";
import { readPattern } from "../../core/cloud-image/name-pattern.ts";
import { checkName } from "../../core/spec/name.ts";
import { clashingPorts, parsePorts } from "../../core/spec/ports.ts";
import { canonicalUsb, parseUsb } from "../../core/spec/usb.ts";
import { parseVolume, resolveVolume, targetProblem } from "../../core/spec/volumes.ts";
import { parseDuration, parseSize } from "../../core/units.ts";
import { parseUserArgs } from "../../plugins/launchers/qemu/user-args.ts";
import fc from "fast-check";
import { fuzz, mutatedText, patienceMs } from "../support/fuzz.ts";

const refuse = (problem: string): never => {
  throw new MachineError("usage", problem);
};

test("sizes", async () => {
  await fuzz(mutatedText(["512MiB", "4GiB", "1.5 TiB", "10KiB"]), (text) => expect(parseSize(text)).toBeGreaterThanOrEqual(0));
}, patienceMs);

test("durations, and moments", async () => {
  await fuzz(mutatedText(["90s", "1h30m", "250ms", "1.5d"]), (text) => expect(parseDuration(text)).toBeGreaterThanOrEqual(0));
  await fuzz(mutatedText(["2026-05-01T12:00:00Z", "10m", "2026-05-01"]), (text) => expect(Number.isNaN(parseSince(text, 0).getTime())).toBe(false));
}, patienceMs);

test("ports", async () => {
  const samples = ["8080:80", "127.0.0.1:8080:80/udp", "[::1]:8080:80", "8000-8010:9000-9010/tcp", "localhost:1:2"];
  await fuzz(mutatedText(samples, ["0.0.0.0", "::", "65535", "1-65535"]), (text) => {
    const parsed = parsePorts(text);
    if ("problem" in parsed) return refuse(parsed.problem);
    if (parsed.ports.length < 100) clashingPorts(parsed.ports);
    for (const { hostPort, guestPort } of parsed.ports) expect(hostPort > 0 && hostPort < 65_536 && guestPort > 0 && guestPort < 65_536).toBe(true);
  });
  const open = [{ host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp", by: "host" }, { host: "0.0.0.0", hostPort: 53, guestPort: 53, protocol: "udp", by: "guest" }] as const;
  await fuzz(mutatedText(["8080", "8080/tcp", "127.0.0.1:8080", "127.0.0.1:8080:80", "53/udp", "[::1]:8080"]), (text) => void matchPort(text, open, "web"));
}, patienceMs);

test("volumes", async () => {
  await fuzz(mutatedText(["/srv:/srv", "./a:/b:ro", "~/src:/src:rw,security_model=none", "/srv"], ["/tmp", "ro", "..", "~/"]), (text) => {
    const parsed = parseVolume(text);
    if ("problem" in parsed) return refuse(parsed.problem);
    const { source, target } = resolveVolume(text, "/work", "/home/user");
    expect(source.startsWith("/")).toBe(true);
    const problem = targetProblem(target);
    if (problem !== undefined) refuse(problem);
  });
}, patienceMs);

test("USB devices", async () => {
  await fuzz(mutatedText(["bus=1,devnum=2", "vendor=1d6b,product=0002", "devnum=2,bus=1"]), (text) => {
    const parsed = parseUsb(text);
    if ("problem" in parsed) return refuse(parsed.problem);
    expect(parseUsb(canonicalUsb(text))).toEqual(parsed);
  });
}, patienceMs);

test("names", async () => {
  await fuzz(mutatedText(["web", "my-machine.2", "a_b"]), checkName);
}, patienceMs);

test("names of disks, and digests", async () => {
  await fuzz(mutatedText(["machine.x86_64.qcow2.zst", "disk.raw", "a.img.xz", "b.vmdk.zip"], [".constructor", ".__proto__"]), (text) => {
    const { compression, format = "raw" } = readDiskName(text);
    expect(["none", "gz", "xz", "zst", "bz2", "zip"]).toContain(compression);
    expect(["raw", "qcow2", "vmdk", "vhdx"]).toContain(format);
  }, { always: "taken" });
  await fuzz(mutatedText([`sha256:${"0".repeat(64)}`, `sha512:${"a".repeat(128)}`]), (text) => {
    const digest = readDigest(text);
    if (digest) expect(digest.hex).toMatch(/^[0-9a-f]{64,128}$/);
  }, { always: "taken" });
}, patienceMs);

test("names of files that a publisher lists", async () => {
  await fuzz(mutatedText(["debian-13-generic-amd64-20260712-2537.qcow2", "debian-13-generic-amd64.qcow2", "13/"], ["__proto__", "13.1.2.3.4.5.6.7.8.9"]), (text) => {
    const words = readPattern("debian-{release}-generic-{arch}-{build}.qcow2", { arch: "amd64" }, text);
    for (const word of Object.values(words ?? {})) expect(word).toMatch(/^[\d.-]+$/);
  }, { always: "taken" });
}, patienceMs);

test("the two sides of a copy", async () => {
  await fuzz(fc.tuple(mutatedText(["./a", "web:/tmp/a", ":x", "a b"]), mutatedText(["web:/tmp", "./b", "~/c"])), ([source, destination]) => void parseCopy(source, destination));
}, patienceMs);

test("flags", async () => {
  const words = mutatedText(["--cpus", "2", "--memory=4096", "-m", "-m=2048", "--disk-size", "--image", "fcos", "-v", "/srv:/srv:ro", "--publish=8080:80", "--rootful=false", "--log-level", "debug", "--quiet", "-hq", "--", "web", "--timezone=local"], ["--constructor", "constructor", "=__proto__"]);
  await fuzz(fc.array(words, { maxLength: 8 }), (argv) => {
    const { flags } = parseFlags({ ...specFlags, ...globalFlags }, argv, { program: "glowplug init" });
    expect([undefined, "debug", "info", "warn", "error"]).toContain(flags.logLevel);
  });
}, patienceMs);

test("Go templates and layouts of times", async () => {
  const item = { Name: "web", Ports: [{ HostPort: 1 }], LastUp: new Stamp("2026-05-01T12:00:00Z"), Memory: "2GiB", Accelerator: { Asked: "kvm" }, Created: null };
  const samples = ["{{.Name}}", "table {{.Name}}\t{{.Memory}}", "{{json .}}", "{{json .Ports}}", '{{.LastUp.Format "2006-01-02 15:04:05.000 -0700 MST"}}', "{{.Accelerator.Asked}} {{.Created}}", "json", "yaml", '{{.LastUp.Format `Jan _2`}}'];
  await fuzz(mutatedText(samples, ["{{", "}}", '"', "`", '"a"', "{{.", ".__proto__", ".constructor", ".Format", '\\"', '"a" '.repeat(40)]), (text) => {
    const format = parseFormat(text);
    if (format.kind === "template") renderTemplate(format, [item], { fields: Object.keys(item) });
  });
  await fuzz(mutatedText(["Mon Jan _2 15:04:05 MST 2006", "2006-01-02T15:04:05.999999999Z07:00", "3:04PM 002"]), (layout) => {
    expect(typeof formatGoTime(new Date(0), layout)).toBe("string");
  }, { always: "taken" });
}, patienceMs);

test("words for QEMU", async () => {
  const word = mutatedText(["-device", "virtio-keyboard-pci", "-m", "4096", "--nographic", "-name=x", "-append", "console=ttyS0", "-daemonize"]);
  await fuzz(fc.array(fc.oneof(word, fc.tuple(word, word)), { maxLength: 6 }), (args) => void parseUserArgs(args as never));
}, patienceMs);

test("lines of logs, and what a guest writes to its console", async () => {
  const samples = ["2026-05-01T12:00:00Z ok\nplain\n", '{"time":"2026-05-01T12:00:00Z","type":"state"}\n', "[2026-05-01 12:00:00.5+02:00] x\r\n", "\u001b[31mred\u001b[0m\r\n\u001b(B\u001bc"];
  await fuzz(mutatedText(samples, ["\u001b[", "\u001b(", "9".repeat(20)]), (text) => {
    selectLines(text, { since: new Date(0), tail: 3 });
    const filter = controlFilter();
    // eslint-disable-next-line no-control-regex
    expect(filter(text)).not.toMatch(/\u001b\[[0-9;]*[a-zA-Z]/);
  }, { always: "taken" });
}, patienceMs);

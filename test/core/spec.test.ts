import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MachineError } from "../../core/errors.ts";
import type { MachineSpec } from "../../core/spec-types.ts";
import { defaultName, parsePorts, parseVolume, readSpec, resolveSpec, saveSpec, type SpecContext, type SpecLayer } from "../../core/spec.ts";
import { hostOf, type HostParts } from "../fixtures/hosts.ts";
import { plainForwarder, plainImage, plainLauncher, plainProvisioner, plainResolver } from "../fixtures/plain-plugins.ts";
import { makeTestFolder } from "../support/folders.ts";
import { recordTrace } from "../support/trace.ts";

const GiB = 2 ** 30;

function context(parts: Partial<SpecContext> = {}, facts: HostParts = {}): SpecContext & { readonly resolvePlugin: ReturnType<typeof plainResolver> } {
  const host = hostOf("linux/amd64", { cpus: 6, memory: 8 * GiB, home: "/home/me", timezone: "Europe/Rome", local: false, ...facts });
  return { host, cwd: "/code", resolvePlugin: plainResolver(), ...parts } as SpecContext & { readonly resolvePlugin: ReturnType<typeof plainResolver> };
}
function layer(spec: unknown, parts: Partial<SpecLayer> = {}): SpecLayer {
  return { source: "config", where: "machine.ts", folder: "/scripts/web", ...parts, spec: spec as MachineSpec };
}
async function failureOf(layers: readonly SpecLayer[], its: SpecContext = context()): Promise<MachineError> {
  const error: unknown = await resolveSpec(layers, its).then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(MachineError);
  return error as MachineError;
}

test("an empty spec gets every default, and each is said to be one", async () => {
  const its = context();
  const spec = await resolveSpec([], its);
  const { image, provisioner, launcher, forwarder, plugins, sources, ...plain } = spec;
  expect(plain).toEqual({
    name: "default", cpus: 3, memory: 2 * GiB, disk: 100 * GiB, swap: 0, ports: [], guestPorts: "any", sockets: [], volumes: [], files: [], units: [], packages: [], run: [],
    restart: "never", usb: [], importNativeCa: false, user: "core", rootful: false, timezone: "Europe/Rome", podman: true, proxy: true,
  });
  expect([image, provisioner, launcher, forwarder].map(({ name }) => name)).toEqual(["fcos", "ignition", "qemu", "gvproxy"]);
  expect(plugins.map(({ name }) => name)).toEqual(["fcos", "ignition", "qemu", "gvproxy", "podman", "proxy"]);
  expect(new Set(Object.values(sources))).toEqual(new Set(["default"]));
  expect(Object.keys(sources).sort()).toEqual([...Object.keys(plain), "playbook", "ignitionPath", "network", "image", "provisioner", "launcher", "forwarder"].sort());
});

test("one processor is the least", async () => {
  expect((await resolveSpec([], context({}, { cpus: 1 }))).cpus).toBe(1);
});

test("later layers win by field, and each value's source is kept", async () => {
  const spec = await resolveSpec([
    layer({ cpus: 1, memory: "1GiB", ports: ["80:80"], timezone: "Asia/Tokyo" }, { source: "user config" }),
    layer({ cpus: 2, disk: "1.5TiB", ports: ["81:81"], name: "web", timezone: "local" }),
    layer({ cpus: 4, rootful: undefined }, { source: "flag" }),
  ], context());
  expect(spec).toMatchObject({ name: "web", cpus: 4, memory: GiB, disk: 1.5 * 1024 * GiB, ports: [{ hostPort: 81 }], timezone: "Europe/Rome", rootful: false });
  expect(spec.sources).toMatchObject({ name: "config", cpus: "flag", memory: "user config", disk: "config", ports: "config", rootful: "default", timezone: "config" });
});

test("swap is in bytes, files of the host are absolute, and USB devices are written in one way", async () => {
  const spec = await resolveSpec([
    layer({ swap: "1.5GiB", playbook: "site.yml", importNativeCa: true }, { folder: "/srv/web" }),
    layer({ ignitionPath: "~/box.ign", usb: ["devnum=07,bus=1", "product=2,vendor=1D6B"] }, { source: "flag" }),
    layer({ launcher: plainLauncher({ abilities: { suspend: false, hotplug: false, usb: true } }) }),
  ], context());
  expect(spec).toMatchObject({ swap: 1.5 * GiB, playbook: "/srv/web/site.yml", ignitionPath: "/home/me/box.ign", usb: ["bus=1,devnum=7", "vendor=1d6b,product=0002"], importNativeCa: true });
});

test("USB devices are refused where the launcher hands none on, in podman's words", async () => {
  const its = context({ resolvePlugin: plainResolver({ still: plainLauncher({ name: "still" }) }) });
  expect(await failureOf([layer({ usb: ["bus=1,devnum=2"], launcher: "still" }, { source: "flag", where: "the command line" })], its)).toMatchObject({ message: "USB host passthrough not supported for still machines" });
});

test("plugins are strung together: slots, addons, the user's, the project's, the flags', the script", async () => {
  const order: string[] = [];
  const talking = (name: string) => ({ name, ignition: () => void order.push(name) });
  const script = { plugins: [talking("b"), false, null, undefined, "listed"], afterStart: () => void order.push("script") };
  const its = context({ resolvePlugin: plainResolver({ listed: { name: "listed" }, flagged: { name: "flagged" } }) });
  const spec = await resolveSpec([
    layer({ plugins: [talking("a")], ignition: () => void order.push("user config") }, { source: "user config", where: "config.ts" }),
    layer(script), layer({ plugins: ["flagged"] }, { source: "flag", where: undefined }),
  ], its);
  expect(spec.plugins.map(({ name }) => name)).toEqual(["fcos", "ignition", "qemu", "gvproxy", "podman", "proxy", "a", "user config", "b", "listed", "flagged", "machine.ts"]);
  const event = {} as never;
  for (const plugin of spec.plugins) {
    await plugin.ignition?.(event);
    await plugin.afterStart?.(event);
  }
  expect(order).toEqual(["a", "user config", "b", "script"]);
  expect(its.resolvePlugin).toHaveProperty("asked", ['image "fcos" from /code', 'provisioner "ignition" from /code', 'launcher "qemu" from /code', 'forwarder "gvproxy" from /code',
    'addon "listed" from /scripts/web', 'addon "flagged" from /scripts/web', 'addon "podman" from /code', 'addon "proxy" from /code']);
});

test("podman: false leaves the addon out, and a listed plugin of its name takes its place", async () => {
  expect((await resolveSpec([layer({ podman: false })], context())).plugins.map(({ name }) => name)).not.toContain("podman");
  const own = { name: "podman", ignition() {} };
  expect((await resolveSpec([layer({ plugins: [own] })], context())).plugins.filter(({ name }) => name === "podman")).toEqual([own]);
});

test("slots may be plugins, names, and names with options", async () => {
  const launcher = plainLauncher();
  const its = context({ resolvePlugin: plainResolver({ debian: plainImage({ name: "debian", firstBoot: "cloud-init", user: "debian" }) }) });
  const spec = await resolveSpec([layer({ image: ["debian", { release: "12" }], launcher, forwarder: "slirp" })], its);
  expect(saveSpec(spec)).toMatchObject({ image: "debian", provisioner: "cloud-init", launcher: "plain-launcher", forwarder: "slirp", user: "debian", plugins: ["debian", "cloud-init", "plain-launcher", "slirp", "podman", "proxy"] });
  expect(its.resolvePlugin).toHaveProperty("asked", ['image ["debian",{"release":"12"}] from /scripts/web', 'provisioner "cloud-init" from /code', 'forwarder "slirp" from /scripts/web', 'addon "podman" from /code', 'addon "proxy" from /code']);
});

const missing = new MachineError("missing-program", "gvproxy is not installed", { hint: "apt install gvproxy" });
const noGvproxy = plainForwarder({ name: "gvproxy", links: ["unix-stream"], check: () => Promise.reject(missing) });

test("the default forwarder is the first that runs here and meets the launcher", async () => {
  const chosen = async (others: Parameters<typeof plainResolver>[0], spec: MachineSpec = {}): Promise<string> =>
    (await resolveSpec([layer(spec)], context({ resolvePlugin: plainResolver(others) }))).forwarder.name;
  expect(await chosen({})).toBe("gvproxy");
  expect(await chosen({ gvproxy: noGvproxy })).toBe("slirp");
  expect(await chosen({}, { launcher: plainLauncher({ links: ["user"] }) })).toBe("slirp");
});

test("each plugin that is loaded or asked is a span of the trace", async () => {
  const trace = recordTrace();
  const image = "https://me:secret@example.test/disk.qcow2";
  await resolveSpec([layer({ image })], context({ trace, resolvePlugin: plainResolver({ gvproxy: noGvproxy, [image]: plainImage() }) }));
  expect(trace.spans.map(({ name }) => name)).toEqual([
    "load image", "load provisioner", "load launcher", "load forwarder", "gvproxy.check", "load forwarder", "slirp.check", "load addon", "load addon",
  ]);
  expect(JSON.stringify(trace.spans)).not.toContain("secret");
});

test("no forwarder at all is one error with every reason", async () => {
  const error = await failureOf([layer({ launcher: plainLauncher({ links: ["unix-stream"] }) })], context({ resolvePlugin: plainResolver({ gvproxy: noGvproxy }) }));
  expect(error).toMatchObject({
    code: "unsupported-host", hint: "apt install gvproxy",
    message: "machine.ts: forwarder: no forwarder works here: gvproxy: gvproxy is not installed; slirp offers user, and plain-launcher takes unix-stream",
  });
});

test("a forwarder that was asked for is not checked here", async () => {
  expect((await resolveSpec([layer({ forwarder: noGvproxy })], context())).forwarder.name).toBe("gvproxy");
});

test("paths are relative to whoever wrote them, and ~ is the user's home", async () => {
  const spec = await resolveSpec([
    layer({ files: [{ path: "/etc/a", source: "./a" }, { path: "/etc/b", content: "b" }], sockets: [{ host: "~/s.sock", guest: "/run/s.sock" }] }),
    layer({ volumes: ["src", "~/data:/data:ro", { source: "/abs/", target: "/mnt/abs/" }] }, { source: "flag", folder: undefined }),
  ], context());
  expect(spec.files).toEqual([{ path: "/etc/a", source: "/scripts/web/a" }, { path: "/etc/b", content: "b" }]);
  expect(spec.sockets).toEqual([{ host: "/home/me/s.sock", guest: "/run/s.sock" }]);
  expect(spec.volumes).toEqual([
    { source: "/code/src", target: "/code/src", readOnly: false }, { source: "/home/me/data", target: "/data", readOnly: true }, { source: "/abs", target: "/mnt/abs", readOnly: false },
  ]);
});

test("on this host a volume's source must be a folder", async () => {
  const folder = makeTestFolder();
  try {
    mkdirSync(join(folder.path, "there"));
    const error = await failureOf([layer({ volumes: ["there", "gone"] }, { folder: folder.path })], context({}, { local: true }));
    expect(error.message).toBe(`machine.ts: volumes[1]: expected a folder of the host, found none at ${folder.path}/gone`);
  } finally {
    folder.remove();
  }
});

test("what a host cannot give is said in podman's words", async () => {
  const error = await failureOf([layer({ cpus: 7, memory: "9GiB" })]);
  expect(error).toMatchObject({
    code: "host-limits", message: "machine.ts has 2 mistakes",
    details: ["cpus: requested number of CPUs (7) greater than number of host CPUs (6)", "memory: requested amount of memory (9216 MB) greater than total system memory (8192 MB)"],
  });
});

test.each<[string, readonly (string | object)[], boolean]>([
  ["the same port twice", ["80:80", "80:81"], true],
  ["one address and all of them", ["0.0.0.0:80:80", "127.0.0.1:80:81"], true],
  ["a range over a port", ["80-90:80-90", { hostPort: 85, guestPort: 1 }], true],
  ["two protocols", ["80:80", "80:80/udp"], false],
  ["two addresses", ["127.0.0.1:80:80", "127.0.0.2:80:80"], false],
])("%s: does the host's port clash?", async (_, ports, clashes) => {
  const done = await resolveSpec([layer({ ports })], context()).then(() => false, (error: MachineError) => error.message.includes("expected each port of the host once"));
  expect(done).toBe(clashes);
});

test("a name that means nothing is a mistake of the file that says it, with its line", async () => {
  const user = layer({ plugins: ["nope"], image: "nix" }, { source: "user config", where: "config.yaml", lineOf: (path) => path.length });
  expect(await failureOf([user, layer({ plugins: ["none"] })])).toMatchObject({
    message: "config.yaml and machine.ts have 3 mistakes", code: "not-found", hint: "Built in: none.",
    details: ['config.yaml:5: image: unknown image "nix"', 'config.yaml:10: plugins[0]: unknown addon "nope"', 'machine.ts: plugins[0]: unknown addon "none"'],
  });
  expect((await failureOf([user])).details).toEqual(['line 5: image: unknown image "nix"', 'line 10: plugins[0]: unknown addon "nope"']);
});

test("two plugins of one name are a mistake", async () => {
  expect((await failureOf([layer({ plugins: [{ name: "a" }, { name: "a" }] })])).message).toBe('machine.ts: plugins: expected different names, found 2 plugins named "a"');
});

test("a plugin's own error keeps its code, hint and cause", async () => {
  const cause = new MachineError("bad-image", "needs a digest", { hint: "Write digest." });
  expect(await failureOf([layer({ image: "odd" })], context({ resolvePlugin: plainResolver({ odd: cause }) }))).toMatchObject({ code: "bad-image", message: "machine.ts: image: needs a digest", hint: "Write digest.", cause });
  const foreign = new Error("boom");
  expect(await failureOf([layer({ image: "odd" })], context({ resolvePlugin: plainResolver({ odd: foreign }) }))).toMatchObject({ code: "bad-spec", message: "machine.ts: image: boom", cause: foreign });
});

test("every mistake of every layer is told at once, the plugins' as well", async () => {
  const its = context();
  const error = await failureOf([layer({ cpu: 2 }, { source: "user config", where: "config.ts" }), layer({ memory: 4096, image: plainImage, launcher: "nowhere" })], its);
  expect(error).toMatchObject({
    code: "bad-spec", message: "config.ts and machine.ts have 4 mistakes",
    details: [
      'config.ts: cpu: unknown field; did you mean "cpus"?', 'machine.ts: memory: expected a size with its unit such as "4GiB", found 4096',
      "machine.ts: image: expected an image plugin, found the function plainImage; call it: plainImage()",
      expect.stringMatching(/^machine\.ts: launcher: .*nowhere/),
    ],
  });
});

const mistakes: readonly (readonly [spec: unknown, ...messages: readonly string[]])[] = [
  [7, "expected a machine's spec, found 7"],
  [{ memroy: "1GiB" }, 'memroy: unknown field; did you mean "memory"?'],
  [{ afterStrat() {} }, 'afterStrat: unknown field; did you mean "afterStart"?'],
  [{ ignition: "x" }, 'ignition: expected a method, found "x"'],
  [{ name: "-x" }, 'name: expected letters, digits, dots, dashes and underscores, beginning with a letter or digit, found "-x"'],
  [{ name: "a".repeat(31) }, `name: expected at most 30 characters, found "${"a".repeat(31)}"`],
  [{ cpus: 0 }, "cpus: expected a whole number of at least 1, found 0"],
  [{ cpus: 1.5 }, "cpus: expected a whole number of at least 1, found 1.5"],
  [{ cpus: "2" }, 'cpus: expected a whole number of at least 1, found "2"'],
  [{ memory: "4GB" }, 'memory: expected a size with its unit such as "4GiB", found "4GB"'],
  [{ disk: "0GiB" }, 'disk: expected a size with its unit such as "4GiB", found "0GiB"'],
  [{ image: "" }, 'image: expected a plugin, its name, or [name, options], found ""'],
  [{ image: ["fcos"] }, "image: expected a plugin, its name, or [name, options], found a list"],
  [{ image: plainLauncher() }, 'image: expected an image plugin, found a launcher plugin ("plain-launcher")'],
  [{ provisioner: { ...plainProvisioner(), render: 1 } }, "provisioner.render: expected a method, found 1"],
  [{ launcher: { ...plainLauncher(), afterStrat() {} } }, "launcher: unknown hook afterStrat; did you mean afterStart?"],
  [{ plugins: [plainForwarder()] }, 'plugins[0]: expected an addon, found a forwarder plugin; put it into the field "forwarder"'],
  [{ plugins: [0, true] }, "plugins[0]: expected a plugin, found 0", "plugins[1]: expected a plugin, found true"],
  [{ plugins: "x" }, 'plugins: expected a list, found "x"'],
  [{ ports: ["80"] }, 'ports[0]: expected "[ADDRESS:]HOSTPORT:GUESTPORT[/udp]" such as "8080:80", found "80"'],
  [{ ports: [8080] }, "ports[0]: expected a port, found 8080"],
  [{ ports: [{ hostPort: 0 }] }, "ports[0].hostPort: expected a port from 1 to 65535, found 0", "ports[0].guestPort: expected a value, found nothing"],
  [{ ports: [{ hostPort: 1, guestPort: 1, host: "web", protocol: "TCP" }] }, 'ports[0].host: expected an address to bind, found "web"', 'ports[0].protocol: expected "tcp" or "udp", found "TCP"; did you mean "tcp"?'],
  [{ volumes: ["/a:/etc"] }, 'volumes[0]: machine mount destination cannot be "/etc": consider another location or a subdirectory of an existing location'],
  [{ volumes: ["/a:b"] }, 'volumes[0]: expected an absolute path in the guest, found "b"'],
  [{ volumes: [{ source: "/a", target: "/home", readonly: true }] }, 'volumes[0].target: machine mount destination cannot be "/home": consider another location or a subdirectory of an existing location', 'volumes[0].readonly: unknown field; did you mean "readOnly"?'],
  [{ sockets: [{ host: "s.sock", guest: "/run/s" }] }, 'sockets[0].host: expected an absolute path on the host, found "s.sock"'],
  [{ sockets: [{ host: `/${"s".repeat(103)}`, guest: "/run/s" }] }, `sockets[0].host: expected a path of at most 103 bytes, found "/${"s".repeat(56)}..."`],
  [{ files: [{ path: "etc", content: "" }] }, 'files[0].path: expected an absolute path in the guest, found "etc"'],
  [{ files: [{ path: "/etc/../x", content: "" }] }, 'files[0].path: expected an absolute path in the guest, found "/etc/../x"'],
  [{ files: [{ path: "/a" }, { path: "/b", content: "", source: "b" }] }, "files[0]: expected either content or source, found neither", "files[1]: expected either content or source, found both"],
  [{ files: [{ path: "/a", content: "", mode: 644 }] }, "files[0].mode: expected an octal file mode, found the decimal number 644; write 0o644"],
  [{ files: [{ path: "/a", content: "", mode: "0644" }] }, 'files[0].mode: expected a file mode such as 0o644, found "0644"'],
  [{ units: [{ name: "web" }] }, 'units[0].name: expected a unit with its ending such as "web.service", found "web"'],
  [{ units: [{ name: "web.service", dropins: [{ name: "x", content: 1 }] }] }, 'units[0].dropins[0].name: expected a file name such as "10-web.conf", found "x"', "units[0].dropins[0].content: expected a text, found 1"],
  [{ packages: ["--root=/"] }, 'packages[0]: expected a package\'s name, found "--root=/"'],
  [{ run: [" "] }, 'run[0]: expected a shell line, found " "'],
  [{ restart: "on-fail" }, 'restart: expected "never" or "on-failure" or "always", found "on-fail"; did you mean "on-failure"?'],
  [{ user: "a b" }, 'user: expected a user\'s name: letters, digits, dots, dashes and underscores, found "a b"'],
  [{ rootful: "yes" }, 'rootful: expected true or false, found "yes"'],
  [{ swap: 512 }, 'swap: expected a size with its unit such as "1GiB", found 512'],
  [{ usb: ["bus=1"] }, "usb[0]: usb: fail to parse: missing ',': bus=1"],
  [{ usb: "bus=1,devnum=2" }, 'usb: expected a list, found "bus=1,devnum=2"'],
  [{ playbook: "", ignitionPath: {}, importNativeCa: "yes" }, 'playbook: expected a path on the host, found ""', "ignitionPath: expected a path on the host, found an object", 'importNativeCa: expected true or false, found "yes"'],
  [{ timezone: "Europe/Rom" }, 'timezone: expected "local" or an IANA time zone such as "Europe/Rome", found "Europe/Rom"; did you mean "Europe/Rome"?'],
  [{ timezone: "../../etc/passwd" }, 'timezone: expected "local" or an IANA time zone such as "Europe/Rome", found "../../etc/passwd"'],
];
test.each(mistakes.map(([spec, ...messages]) => ({ spec, messages })))("$messages", ({ spec, messages }) => {
  expect(readSpec(spec).mistakes.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))).toEqual(messages);
});

test("a spec with every field is without mistakes", () => {
  const spec: MachineSpec = {
    name: "web_1.test", cpus: 2, memory: "1.5GiB", disk: "20GiB", image: plainImage(), provisioner: "ignition", launcher: ["qemu", { args: [] }], forwarder: plainForwarder(),
    ports: ["8080:80", { hostPort: 53, guestPort: 53, protocol: "udp", host: "::1" }], sockets: [{ host: "/tmp/s.sock", guest: "/run/s.sock", user: "root", probe: "/_ping", publish: true }],
    volumes: ["~/src:/src:ro,security_model=none", { source: ".", target: "/x", readOnly: false }],
    files: [{ path: "/etc/motd", content: "", mode: 0o1777, user: "root", group: "wheel", overwrite: false }, { path: "/x", source: "x" }],
    units: [{ name: "getty@tty1.service", enabled: true, mask: false, content: "", dropins: [{ name: "a.conf", content: "" }] }],
    packages: ["g++", "libstdc++6", "vim-enhanced"], run: ["true"], restart: "always", user: "me", rootful: true, timezone: "Etc/GMT+5", podman: false,
    swap: "0MiB", usb: ["bus=1,devnum=2", "vendor=1d6b,product=0002"], playbook: "./site.yml", ignitionPath: "/box.ign", importNativeCa: true,
    plugins: [false, null, undefined, "x", ["y", {}], { name: "z" }], afterStart() {}, beforeStop() {},
  };
  expect(readSpec(spec).mistakes).toEqual([]);
});

test.each<[string, readonly string[] | string]>([
  ["8080:80", ["127.0.0.1 8080 80 tcp"]],
  ["127.0.0.1:8080:80", ["127.0.0.1 8080 80 tcp"]],
  ["8080:80/udp", ["127.0.0.1 8080 80 udp"]],
  ["0.0.0.0:8080:80/tcp", ["0.0.0.0 8080 80 tcp"]],
  ["[::1]:8080:80", ["::1 8080 80 tcp"]],
  [":8080:80", ["127.0.0.1 8080 80 tcp"]],
  ["8000-8002:9000-9002", ["127.0.0.1 8000 9000 tcp", "127.0.0.1 8001 9001 tcp", "127.0.0.1 8002 9002 tcp"]],
  ["8000-8002:9000", 'expected two ranges of one length, found 3 and 1 ports in "8000-8002:9000"'],
  ["8002-8000:1-3", 'expected ports from 1 to 65535, found "8002-8000:1-3"'],
  ["0:80", 'expected ports from 1 to 65535, found "0:80"'],
  ["65536:80", 'expected ports from 1 to 65535, found "65536:80"'],
  ["300.1.1.1:80:80", 'expected an address to bind, found "300.1.1.1" in "300.1.1.1:80:80"'],
  ["80:80/sctp", 'expected "[ADDRESS:]HOSTPORT:GUESTPORT[/udp]" such as "8080:80", found "80:80/sctp"'],
  ["", 'expected "[ADDRESS:]HOSTPORT:GUESTPORT[/udp]" such as "8080:80", found ""'],
])("the port %j", (text, expected) => {
  const parsed = parsePorts(text);
  expect("problem" in parsed ? parsed.problem : parsed.ports.map((port) => `${port.host} ${port.hostPort} ${port.guestPort} ${port.protocol}`)).toEqual(expected);
});

test.each<[string, object | string]>([
  ["/a", { source: "/a", readOnly: false }],
  ["/a:/b", { source: "/a", target: "/b", readOnly: false }],
  ["/a:/b:ro", { source: "/a", target: "/b", readOnly: true }],
  ["/a:/b:rw,security_model=none", { source: "/a", target: "/b", readOnly: false }],
  ["/a:/b:z", 'expected the option ro or rw, found "z" in "/a:/b:z"'],
  [":/b", 'expected "SOURCE[:TARGET[:ro]]", found ":/b"'],
  ["/a::ro", 'expected "SOURCE[:TARGET[:ro]]", found "/a::ro"'],
])("the volume %j", (text, expected) => {
  const parsed = parseVolume(text);
  expect("problem" in parsed ? parsed.problem : parsed.share).toEqual(expected);
});

test.each<[string | undefined, string]>([
  [undefined, "default"], ["/a/web.ts", "web"], ["/a/web/machine.ts", "web"], ["/a/web/glowplug.config.yaml", "web"], ["/a/web.machine.ts", "web"], ["/a/db.config.json", "db"],
  ["/machine.ts", "default"], ["/a/My Project!/machine.ts", "My-Project-"], ["/a/.hidden.ts", "hidden"], [`/a/${"x".repeat(40)}.ts`, "x".repeat(30)],
])("the script %j names its machine %j", (script, name) => expect(defaultName(script)).toBe(name));

test("a saved spec is plain data, with plugins by name", async () => {
  const spec = await resolveSpec([layer({ files: [{ path: "/a", content: "" }], afterStart() {} })], context({ script: "/scripts/web/machine.ts" }));
  const saved = saveSpec(spec);
  expect(JSON.parse(JSON.stringify(saved))).toEqual(saved);
  expect(saved).toMatchObject({ name: "web", script: "/scripts/web/machine.ts", image: "fcos", plugins: ["fcos", "ignition", "qemu", "gvproxy", "podman", "proxy", "machine.ts"] });
});

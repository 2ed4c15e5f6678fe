import { X509Certificate } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GuestDraft, type IgnitionEvent } from "glowplug";
import { describe, expect, it } from "vitest";
import hostCa, { type HostCaOptions } from "../../../plugins/addons/host-ca.ts";
import { certificates } from "../../fixtures/certificates.ts";
import { hostOf, type HostParts } from "../../fixtures/hosts.ts";
import { scratchFolder } from "../../fixtures/login.ts";
import { guestRoot, type GuestRoot } from "../../support/guest-root.ts";

const bundle = "/var/lib/glowplug/host-ca.pem";
const { company, second, service } = certificates;

function hostFolder(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = scratchFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
const start = async (guest: GuestRoot, options?: HostCaOptions, host: HostParts = {}): Promise<void> => await hostCa(options).afterStart?.(guest.event(hostOf("linux/amd64", host)));
const debian = (): GuestRoot => {
  const guest = guestRoot();
  guest.program("update-ca-certificates");
  return guest;
};

describe("the guest", () => {
  it("gets each certificate as a file of its own, and takes them up once", async () => {
    const guest = debian();
    const files = [join(hostFolder({ "a.pem": company + second }), "a.pem")];
    await start(guest, { files });
    await start(guest, { files });
    const folder = "/usr/local/share/ca-certificates/glowplug-host-";
    expect([guest.read(`${folder}001.crt`), guest.read(`${folder}002.crt`), guest.read(`${folder}003.crt`)]).toEqual([company, second, undefined]);
    expect([guest.called(), guest.told]).toEqual([["update-ca-certificates"], ["this host's certificates are trusted in the guest: 2"]]);
  });

  it("loses those that are gone from the host, and keeps its own", async () => {
    const guest = debian();
    const folder = "/usr/local/share/ca-certificates";
    guest.write(`${folder}/mine.crt`, service);
    await start(guest, { files: [join(hostFolder({ "a.pem": company + second }), "a.pem")] });
    await start(guest, { files: [join(hostFolder({ "a.pem": second }), "a.pem")] });
    expect([guest.read(`${folder}/glowplug-host-001.crt`), guest.read(`${folder}/glowplug-host-002.crt`)]).toEqual([second, undefined]);
    await start(guest);
    expect([guest.read(bundle), guest.read(`${folder}/glowplug-host-001.crt`), guest.read(`${folder}/mine.crt`)]).toEqual([undefined, undefined, service]);
    expect([guest.called().length, guest.told.at(-1)]).toEqual([3, "the guest trusts no certificate of this host any more"]);
  });

  it.each([["Fedora", "/etc/pki/ca-trust/source/anchors"], ["Arch", "/etc/ca-certificates/trust-source/anchors"]])("has them where %s wants them", async (_, folder) => {
    const guest = debian();
    guest.program("update-ca-trust");
    guest.write(`${folder}/README`, "");
    await start(guest, { files: [join(hostFolder({ "a.pem": company }), "a.pem")] });
    expect([guest.read(`${folder}/glowplug-host-001.crt`), guest.called()]).toEqual([company, ["update-ca-trust"]]);
  });

  it("is not spoken to of certificates where neither it nor the host has any", async () => {
    const guest = debian();
    await start(guest);
    expect([guest.called(), guest.told, guest.commands.length]).toEqual([[], [], 1]);
  });

  it("gets the package that it needs at first boot", async () => {
    const guest = new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });
    await hostCa().ignition?.({ guest } as unknown as IgnitionEvent);
    expect(guest.packages).toEqual(["ca-certificates"]);
  });

  it("tells what failed, and is tried again", async () => {
    const guest = guestRoot();
    guest.program("update-ca-certificates", "echo the bundle is read-only >&2\nexit 1");
    const files = [join(hostFolder({ "a.pem": company }), "a.pem")];
    await expect(start(guest, { files })).rejects.toMatchObject({ code: "ssh", plugin: "host-ca", message: `cannot bring ${bundle} in the guest up to date: the bundle is read-only` });
    guest.program("update-ca-certificates");
    await start(guest, { files });
    expect([guest.called().length, guest.told]).toEqual([2, ["this host's certificates are trusted in the guest: 1"]]);
  });
});

describe("the host's certificates", () => {
  const bundleOf = async (options: HostCaOptions | undefined, host: HostParts = {}, name = "linux/amd64"): Promise<string | undefined> => {
    const guest = debian();
    await hostCa(options).afterStart?.(guest.event(hostOf(name, host)));
    return guest.read(bundle);
  };

  it("are those of SSL_CERT_FILE where that is set", async () => {
    const env = { SSL_CERT_FILE: join(hostFolder({ "bundle.pem": `# remark\n${company}` }), "bundle.pem") };
    expect(await bundleOf(undefined, { env })).toBe(company);
  });

  it("are those of the option before all others: files, and folders with what is below them", async () => {
    const folder = hostFolder({ "x/b.crt": second, "x/deep/c.pem": service, "x/README": "no certificate\n", "x/empty.crt": "", "a.pem": company });
    const env = { SSL_CERT_FILE: "/nowhere" };
    expect(await bundleOf({ files: [join(folder, "a.pem"), join(folder, "x")] }, { env })).toBe(company + second + service);
  });

  it("are each there once, and in PEM form also from DER files", async () => {
    const folder = hostFolder({ "a.der": new X509Certificate(company).raw, "b.pem": company.replaceAll("\n", "\r\n") });
    expect(await bundleOf({ files: [folder] })).toBe(company);
  });

  it("leave keys where they are", async () => {
    const folder = hostFolder({ "a.pem": `-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n${company}` });
    expect(await bundleOf({ files: [folder] })).toBe(company);
  });

  it("are on a Mac the authorities of the system's keychain", async () => {
    const answers = { "/usr/bin/security find-certificate -a -p /Library/Keychains/System.keychain": { stdout: service + company } };
    expect(await bundleOf(undefined, { answers }, "darwin/arm64")).toBe(company);
  });

  it("are found relative to the script", async () => {
    const folder = hostFolder({ "ca/a.pem": company, "web.ts": "" });
    const guest = debian();
    const event = guest.event();
    await hostCa({ files: ["ca/a.pem"] }).afterStart?.({ ...event, machine: { ...event.machine, script: join(folder, "web.ts") } });
    expect(guest.read(bundle)).toBe(company);
  });

  it.each<[string, string, (path: string) => object]>([
    ["a file that is missing", "none.pem", (path) => ({ code: "not-found", message: `cannot read certificates from ${path}: ENOENT` })],
    ["a file without any", "key.pem", (path) => ({ code: "bad-spec", message: `${path} holds no certificate` })],
    ["a file with a broken one", "broken.pem", (path) => ({ code: "bad-spec", message: `${path} holds something that is no certificate` })],
  ])("are not looked for in %s without a word", async (_, name, error) => {
    const folder = hostFolder({ "key.pem": "a key\n", "broken.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" });
    await expect(bundleOf({ files: [join(folder, name)] })).rejects.toMatchObject({ plugin: "host-ca", ...error(join(folder, name)) });
  });

  it("are asked for by no other option", () => {
    expect(() => hostCa({ file: "x" } as HostCaOptions)).toThrowError(expect.objectContaining({ code: "bad-spec" }));
  });
});

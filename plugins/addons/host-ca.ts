import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { checkOptions, MachineError, syncGuestFiles, type HostFacts, type MachineInfo, type Plugin, type SyncedPath } from "glowplug";

export interface HostCaOptions {
  /**
   * Files with certificates, PEM or DER, or folders of such files; relative to the script. Default: the file that SSL_CERT_FILE
   * names; without it, what was added on this host to those of its system.
   */
  readonly files?: readonly string[];
}

/** Where systems keep certificates that were added: Debian and Alpine, Fedora, Arch, SUSE. The guest's installer below knows the same. */
const folders = ["/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors", "/etc/ca-certificates/trust-source/anchors", "/etc/pki/trust/anchors"];
/** All of them, in one file of the guest; from it the installer makes what the guest's system wants. */
const bundle = "/var/lib/glowplug/host-ca.pem";

/**
 * Makes the guest trust the certificate authorities that were added on the host, such as a company's own: those of the moment, at
 * each start. One that is gone from the host goes from the guest. They are there once the machine is up, and not yet for the
 * packages of the first boot.
 */
export default function hostCa(options: HostCaOptions = {}): Plugin {
  checkOptions("host-ca", options, ["files"]);
  return {
    name: "host-ca",

    ignition({ guest }) {
      guest.package("ca-certificates");
    },

    async afterStart(event) {
      const certificates = await certificatesOf(event.host, event.machine, options);
      const wanted: SyncedPath = certificates.length > 0 ? { path: bundle, content: certificates.join("") } : { path: bundle, absent: true };
      const changed = await syncGuestFiles(event, [wanted], { plugin: "host-ca", onChange: installer, hint: 'The guest needs the package ca-certificates: `packages: ["ca-certificates"]`.' });
      if (changed) event.log(certificates.length > 0 ? `this host's certificates are trusted in the guest: ${certificates.length}` : "the guest trusts no certificate of this host any more");
    },
  };
}

/** One file a certificate: Debian's hash links need that, and nobody minds. Both programs take away what is gone. */
const installer = `folder=${folders[0]}
for other in ${folders.slice(1).join(" ")}; do
  if [ -d "$other" ]; then folder=$other; fi
done
mkdir -p "$folder"
rm -f "$folder"/glowplug-host-*.crt
if [ -e ${bundle} ]; then
  awk -v start="$folder/glowplug-host-" '/^-----BEGIN/ { file = sprintf("%s%03d.crt", start, ++count) } { print > file } /^-----END/ { close(file) }' ${bundle}
fi
if command -v update-ca-trust > /dev/null; then update-ca-trust; else update-ca-certificates; fi`;

/** Each certificate once, as PEM. */
async function certificatesOf(host: HostFacts, machine: MachineInfo, { files }: HostCaOptions): Promise<readonly string[]> {
  const named = files ?? (host.env["SSL_CERT_FILE"] ? [host.env["SSL_CERT_FILE"]] : undefined);
  const found = named?.flatMap((path) => readPath(resolve(machine.script === undefined ? "/" : dirname(machine.script), path)))
    ?? (host.os === "darwin" ? await keychain(host) : folders.filter((folder) => host.firstFile([folder]) !== undefined).flatMap(readPath));
  return [...new Map(found.map((certificate) => [certificate.fingerprint256, certificate.toString()])).values()];
}

/** What an administrator added; beside it that keychain holds certificates of the Mac's own services, which are no authorities. */
async function keychain(host: HostFacts): Promise<readonly X509Certificate[]> {
  const { stdout } = await host.probe("/usr/bin/security", ["find-certificate", "-a", "-p", "/Library/Keychains/System.keychain"]);
  return parse(Buffer.from(stdout), "the system's keychain").filter(({ ca }) => ca);
}

/** A file, or all files with the usual endings below a folder. */
function readPath(path: string): readonly X509Certificate[] {
  const names = namesBelow(path);
  if (names !== undefined) return names.flatMap((name) => parse(readBytes(join(path, name)), join(path, name)));
  const found = parse(readBytes(path), path);
  if (found.length > 0) return found;
  throw new MachineError("bad-spec", `${path} holds no certificate`, { plugin: "host-ca", hint: "Certificates are files in PEM or DER form." });
}

function namesBelow(folder: string): readonly string[] | undefined {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.(crt|pem|cer|der)$/i.test(name) && statSync(join(folder, name), { throwIfNoEntry: false })?.isFile()).sort();
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new MachineError("not-found", `cannot read certificates from ${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { plugin: "host-ca", cause, hint: "The option `files`, or else SSL_CERT_FILE, names files and folders of this host." });
  }
}

/** All certificates of a PEM text, or the one of a DER file, which begins with the tag of a sequence. Keys and remarks are passed over. */
function parse(bytes: Buffer, where: string): readonly X509Certificate[] {
  const texts = bytes[0] === 0x30 ? [bytes] : bytes.toString("latin1").match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return texts.map((one) => {
    try {
      return new X509Certificate(one);
    } catch (cause) {
      throw new MachineError("bad-spec", `${where} holds something that is no certificate`, { plugin: "host-ca", cause, hint: "Certificates are files in PEM or DER form." });
    }
  });
}

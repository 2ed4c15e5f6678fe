import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { MachineError } from "./errors.ts";
import type { HostFacts } from "./model.ts";

/** Where systems keep certificates that were added: Debian and Alpine, Fedora, Arch, SUSE. */
export const addedCertificates: readonly string[] = ["/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors", "/etc/ca-certificates/trust-source/anchors", "/etc/pki/trust/anchors"];

/**
 * Certificate authorities that were added on a host, such as a company's own, each once and as PEM: those of `files`; without it those
 * of the file that SSL_CERT_FILE names; without that, what was added to those of its system. Throws MachineError for a file that cannot be
 * read or holds none.
 */
export async function hostCertificates(host: HostFacts, { files, plugin }: { readonly files?: readonly string[] | undefined; readonly plugin?: string } = {}): Promise<readonly string[]> {
  const named = files ?? (host.env["SSL_CERT_FILE"] ? [host.env["SSL_CERT_FILE"]] : undefined);
  const about = plugin === undefined ? {} : { plugin };
  const found = named?.flatMap((path) => readPath(path, about)) ?? (host.os === "darwin" ? await keychain(host, about) : addedCertificates.filter((folder) => host.firstFile([folder]) !== undefined).flatMap((folder) => readPath(folder, about)));
  return [...new Map(found.map((certificate) => [certificate.fingerprint256, certificate.toString()])).values()];
}

interface About {
  readonly plugin?: string;
}

/** What an administrator added; beside it that keychain holds certificates of the Mac's own services, which are no authorities. */
async function keychain(host: HostFacts, about: About): Promise<readonly X509Certificate[]> {
  const { stdout } = await host.probe("/usr/bin/security", ["find-certificate", "-a", "-p", "/Library/Keychains/System.keychain"]);
  return parse(Buffer.from(stdout), "the system's keychain", about).filter(({ ca }) => ca);
}

/** A file, or all files with the usual endings below a folder. */
function readPath(path: string, about: About): readonly X509Certificate[] {
  const names = namesBelow(path);
  if (names !== undefined) return names.flatMap((name) => parse(readBytes(join(path, name), about), join(path, name), about));
  const found = parse(readBytes(path, about), path, about);
  if (found.length > 0) return found;
  throw new MachineError("bad-spec", `${path} holds no certificate`, { ...about, hint: "Certificates are files in PEM or DER form." });
}

function namesBelow(folder: string): readonly string[] | undefined {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.(crt|pem|cer|der)$/i.test(name) && statSync(join(folder, name), { throwIfNoEntry: false })?.isFile()).sort();
}

function readBytes(path: string, about: About): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new MachineError("not-found", `cannot read certificates from ${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { ...about, cause, hint: "The option `files`, or else SSL_CERT_FILE, names files and folders of this host." });
  }
}

/** All certificates of a PEM text, or the one of a DER file, which begins with the tag of a sequence. Keys and remarks are passed over. */
function parse(bytes: Buffer, where: string, about: About): readonly X509Certificate[] {
  const texts = bytes[0] === 0x30 ? [bytes] : bytes.toString("latin1").match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return texts.map((one) => {
    try {
      return new X509Certificate(one);
    } catch (cause) {
      throw new MachineError("bad-spec", `${where} holds something that is no certificate`, { ...about, cause, hint: "Certificates are files in PEM or DER form." });
    }
  });
}

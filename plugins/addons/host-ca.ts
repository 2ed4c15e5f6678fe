import { dirname, resolve } from "node:path";
import { addedCertificates, checkOptions, hostCertificates, syncGuestFiles, type Plugin, type SyncedPath } from "glowplug";

export interface HostCaOptions {
  /**
   * Files with certificates, PEM or DER, or folders of such files; relative to the script. Default: the file that SSL_CERT_FILE
   * names; without it, what was added on this host to those of its system.
   */
  readonly files?: readonly string[];
}

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
      const { script } = event.machine;
      const files = options.files?.map((path) => resolve(script === undefined ? "/" : dirname(script), path));
      const certificates = await hostCertificates(event.host, { files, plugin: "host-ca" });
      const wanted: SyncedPath = certificates.length > 0 ? { path: bundle, content: certificates.join("") } : { path: bundle, absent: true };
      const changed = await syncGuestFiles(event, [wanted], { plugin: "host-ca", onChange: installer, hint: 'The guest needs the package ca-certificates: `packages: ["ca-certificates"]`.' });
      if (changed) event.log(certificates.length > 0 ? `this host's certificates are trusted in the guest: ${certificates.length}` : "the guest trusts no certificate of this host any more");
    },
  };
}

/** One file a certificate: Debian's hash links need that, and nobody minds. Both programs take away what is gone. */
const installer = `folder=${addedCertificates[0]}
for other in ${addedCertificates.slice(1).join(" ")}; do
  if [ -d "$other" ]; then folder=$other; fi
done
mkdir -p "$folder"
rm -f "$folder"/glowplug-host-*.crt
if [ -e ${bundle} ]; then
  awk -v start="$folder/glowplug-host-" '/^-----BEGIN/ { file = sprintf("%s%03d.crt", start, ++count) } { print > file } /^-----END/ { close(file) }' ${bundle}
fi
if command -v update-ca-trust > /dev/null; then update-ca-trust; else update-ca-certificates; fi`;

/** Where systems keep all that they trust in one file. */
const bundles: readonly string[] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];

/** A shell line that tells how many of these certificates a system does not trust; each is known by letters out of its middle. Says nothing where none are asked about. */
export function certificateQuestion(certificates: readonly string[], files = bundles): string {
  const signs = certificates.map((pem) => pem.replaceAll(/-----[^-]+-----|\s/g, "").slice(200, 280));
  if (signs.length === 0) return "true";
  const all = `all=$(for file in ${files.join(" ")}; do if [ -e "$file" ]; then tr -d '\\r\\n' < "$file"; break; fi; done)`;
  return `${all}; for sign in ${signs.join(" ")}; do case $all in (*"$sign"*) ;; (*) echo "$sign";; esac; done | wc -l`;
}

import { fetchBytes, type DownloadRun } from "./download.ts";
import { MachineError } from "./errors.ts";
import { shownUrl } from "./http.ts";
import { checkDetached, readClearSigned } from "./openpgp.ts";
import type { SignedText } from "./roles/image.ts";
import type { TrustedKey } from "./signature.ts";

/** A text of a publisher's and its signature, both fetched and checked. Throws MachineError "signature" or "download", with the address. */
export async function fetchSigned(url: string, options: { readonly signature?: string; readonly keys: readonly TrustedKey[] }, run: DownloadRun): Promise<SignedText> {
  const { signature: address, keys } = options;
  const shown = shownUrl(url);
  const bytes = await fetchBytes(url, run, { isChecked: true });
  if (address === undefined) {
    const { text, signature } = await readClearSigned(bytes, shown, keys);
    return { text, source: { url: shown, signature } };
  }
  const check = await checkDetached(await fetchSignature(address, shown, run), { url: shownUrl(address), keys }, shown);
  await check.write(bytes);
  return { text: bytes.toString("utf8"), source: { url: shown, signature: await check.end() } };
}

/** A signature that was promised and is not there is not the same as a network that fails: MachineError "signature". */
export async function fetchSignature(url: string, subject: string, run: DownloadRun): Promise<Buffer> {
  return fetchBytes(url, run, { isChecked: true }).catch((error: unknown) => {
    if (!(error instanceof MachineError) || !/the server answered (403|404|410)$/.test(error.message)) throw error;
    throw new MachineError("signature", `${subject} is to be signed, and its signature is missing: ${error.message}`, { cause: error, hint: "Nothing of it is used. The publisher may have moved the signature; without it nobody can tell whose this is." });
  });
}

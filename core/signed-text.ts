import { fetchBytes, type DownloadRun } from "./download.ts";
import { shownUrl } from "./http.ts";
import { checkDetached, readClearSigned } from "./openpgp.ts";
import type { SignedText } from "./roles/image.ts";
import type { TrustedKey } from "./signature.ts";

/** A text of a publisher's and its signature, both fetched and checked. Throws MachineError "signature" or "download", with the address. */
export async function fetchSigned(url: string, options: { readonly signature?: string; readonly keys: readonly TrustedKey[] }, run: DownloadRun): Promise<SignedText> {
  const { signature: address, keys } = options;
  const shown = shownUrl(url);
  const bytes = await fetchBytes(url, run);
  if (address === undefined) {
    const { text, signature } = await readClearSigned(bytes, shown, keys);
    return { text, source: { url: shown, signature } };
  }
  const check = await checkDetached(await fetchBytes(address, run), { url: shownUrl(address), keys }, shown);
  await check.write(bytes);
  return { text: bytes.toString("utf8"), source: { url: shown, signature: await check.end() } };
}

import { MachineError, type Answer, type ImageQuery } from "glowplug";

/** A server that talks in headers. Undefined for an address that it does not know. */
export type TestServer = (url: string, headers: Readonly<Record<string, string>>) => Answer | undefined;

/**
 * A network in which these texts lie at their addresses, and nothing else but what the server answers to `ask`.
 * Signed texts are believed to be the first key's.
 */
export function networkOf(texts: Readonly<Record<string, string>> = {}, server: TestServer = () => undefined): Pick<ImageQuery, "fetchText" | "fetchSigned" | "ask"> & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  const fetchText = async (url: string): Promise<string> => {
    asked.push(url);
    const text = texts[url];
    if (text === undefined) throw new MachineError("download", `${url} could not be fetched: no text is given for it`);
    return text;
  };
  return {
    asked, fetchText,
    async fetchSigned(url, { signature = url, keys: [key] }) {
      if (!key) throw new Error(`${url} is to be signed by nobody`);
      return { text: await fetchText(url), source: { url, signature: { url: signature, fingerprint: key.fingerprint, owner: key.owner, signed: "2026-07-01T00:00:00.000Z" } } };
    },
    async ask(url, { headers = {} } = {}) {
      asked.push(url);
      const answer = server(url, headers);
      if (answer) return answer;
      const text = texts[url];
      return text === undefined ? { status: 404, headers: {}, text: "" } : { status: 200, headers: {}, text };
    },
  };
}

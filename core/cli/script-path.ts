const endings = /\.(?:[cm]?[jt]s|ya?ml|json)$/;

/** Whether a word names a script or config file: it has a slash or such an ending. Anything else is a machine's name. */
export function isScriptPath(word: string): boolean {
  return word.includes("/") || endings.test(word);
}

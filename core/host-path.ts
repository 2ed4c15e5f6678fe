import { isAbsolute, join, resolve } from "node:path";

/** An absolute path of the host: `~/` is the user's home, and anything else that is not absolute is relative to the folder. */
export function hostPath(path: string, folder: string, home: string): string {
  if (path === "~") return home;
  if (path.startsWith("~/")) return join(home, path.slice(2));
  return isAbsolute(path) ? resolve(path) : resolve(folder, path);
}

import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./world.ts";

/**
 * Writes what an image is built of that needs no registry: busybox, and a page to serve. Returns the folder to build in; the image's own command
 * serves the page on port 80.
 */
export function writePageImage(world: World, page: string): string {
  world.write("Containerfile", 'FROM scratch\nCOPY busybox /bin/busybox\nCOPY index.html /www/index.html\nCMD ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/www"]\n');
  world.write("index.html", page);
  copyFileSync("/bin/busybox", join(world.folder, "work/busybox"));
  return join(world.folder, "work");
}

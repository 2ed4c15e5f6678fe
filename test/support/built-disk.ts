import type { World } from "./world.ts";

/** The disk that is built of Debian's packages, as a file of the store. */
export async function builtDisk(world: World): Promise<string> {
  const id = (await world.ok("image", "pull", "debian-bootstrap")).trim();
  const images = JSON.parse(await world.ok("image", "ls", "--json")) as { Id: string; Path: string }[];
  return images.find(({ Id }) => Id === id)?.Path ?? "";
}

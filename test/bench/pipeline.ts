import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { program, run, type World } from "../support/world.ts";
import { footprintOf } from "./footprint.ts";
import { summary, timeOf, type Measured } from "./measure.ts";

/** Packed by what, and unpacked by what onto standard output. */
const kinds = {
  xz: { pack: "xz -2 -T2 -c", unpack: "xz -T2 -dc" },
  zst: { pack: "zstd -3 -T2 -q -c", unpack: "zstd -q -dc" },
  gz: { pack: "gzip -1 -c", unpack: "gzip -dc" },
} as const;
type Kind = keyof typeof kinds;

const size = 512 * 2 ** 20;
const turns = 3;

/**
 * A disk of 512 MiB, from a server on this host into the store: fetched, hashed, unpacked, hashed, written and made last. Beside it its program alone, from file to file,
 * and made last as well; and the same steps one after the other: curl, sha256sum, the program, sha256sum, sync.
 */
export async function measurePipeline(world: World, say: (line: string) => void): Promise<Measured[]> {
  const folder = join(world.folder, "work");
  const shell = (line: string): Promise<number> => timeOf("/bin/sh", ["-c", line], { env: world.env, cwd: folder });
  say("an image of 512 MiB, of this host's programs");
  // What a disk of a distribution is full of. Every kind holds the same.
  await shell(`tar -cf - --sort=name -C / usr/lib usr/share 2>/dev/null | head -c ${size} > disk.raw`);
  for (const [kind, { pack }] of Object.entries(kinds)) await shell(`${pack} disk.raw > disk.raw.${kind}`);
  const server = spawn(process.execPath, [join(import.meta.dirname, "file-server.mjs"), folder], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [port] = (await once(server.stdout, "data")) as [Buffer];
    const address = `http://127.0.0.1:${port.toString().trim()}`;
    const rows: Measured[] = [];
    for (const kind of Object.keys(kinds) as Kind[]) {
      say(`the image in ${kind}`);
      rows.push(...(await measureKind(kind)));
    }
    return rows;

    async function measureKind(kind: Kind): Promise<Measured[]> {
      const { unpack } = kinds[kind];
      const url = `${address}/disk.raw.${kind}`;
      const hex = (await run("sha256sum", [`disk.raw.${kind}`], { cwd: folder })).stdout.slice(0, 64);
      const pull = [program, "image", "pull", "--quiet", "--image-digest", `sha256:${hex}`, url];
      const here = { env: { ...world.env, no_proxy: "127.0.0.1" }, cwd: folder };
      const empty = (): void => rmSync(world.env["GLOWPLUG_STORE"] ?? "", { recursive: true, force: true });
      const times: { ours: number; alone: number; steps: number }[] = [];
      for (let turn = 0; turn < turns; turn += 1) {
        empty();
        const alone = await shell(`${unpack} disk.raw.${kind} > out && sync out`);
        await shell("rm out; sync");
        const ours = await timeOf(process.execPath, pull, here);
        await shell("sync");
        const steps = await shell(`curl -sS --noproxy '*' -o got ${url} && sha256sum got && ${unpack} got > out && sha256sum out && sync out`);
        await shell("rm out got; sync");
        times.push({ ours, alone, steps });
      }
      empty();
      const { residentMb, writtenMb } = await footprintOf(process.execPath, pull, here);
      const peer = await footprintOf("/bin/sh", ["-c", `${unpack} disk.raw.${kind} > out`], here);
      const [image] = JSON.parse((await run(process.execPath, [program, "image", "ls", "--json"], here)).stdout) as { Size: number }[];
      const allocated = (image?.Size ?? Number.NaN) / 1e6;
      await shell("rm out");
      return [
        summary(`pull of 512 MiB in ${kind}`, times.map(({ ours, alone }) => [ours, alone]), `${unpack}, sync`, { aim: { of: "ratio", most: 1.1 } }),
        summary("  beside the same in steps", times.map(({ ours, steps }) => [ours, steps]), `curl, sum, ${unpack}, sum, sync`, { aim: { of: "ratio", most: 1 } }),
        summary("  resident memory, children and all", [[residentMb, peer.residentMb]], unpack, { unit: "MB", aim: { of: "figure", most: 200 } }),
        summary("  bytes written", [[writtenMb, allocated]], "the image on disk", { unit: "MB", aim: { of: "ratio", most: 1.001 } }),
      ];
    }
  } finally {
    server.kill();
  }
}

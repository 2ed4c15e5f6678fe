import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtDisk } from "../support/built-disk.ts";
import { makeSigner } from "../support/signer.ts";
import { run, World } from "../support/world.ts";

const published = "https://builds.coreos.fedoraproject.org";

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  return hash.digest("hex");
}

/** The real stream metadata, served from here, with the guest that is built from Debian's packages as the artifact. */
describe("a machine whose image is resolved from Fedora CoreOS's stream metadata", () => {
  let world: World;
  let server: Server | undefined;

  beforeAll(async () => {
    world = new World();
    const base = await builtDisk(world);
    const packed = join(world.folder, "disk.qcow2.xz");
    expect(await run("sh", ["-c", 'xz -0 -T2 -c "$0" > "$1"', base, packed])).toMatchObject({ code: 0 });

    const publisher = await makeSigner("publisher");
    const signature = await publisher.sign(readFileSync(packed));
    let metadata = "";
    server = createServer(({ url = "" }, response) => {
      if (url === "/streams/stable.json") response.end(metadata);
      else if (url.endsWith("-qemu.x86_64.qcow2.xz")) {
        response.writeHead(200, { "content-length": statSync(packed).size });
        createReadStream(packed).pipe(response);
      } else if (url.endsWith("-qemu.x86_64.qcow2.xz.sig")) response.end(signature);
      else response.writeHead(404).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const facts = JSON.parse(readFileSync(new URL("../fixtures/streams/stable.json", import.meta.url), "utf8").replaceAll(published, address));
    Object.assign(facts.architectures.x86_64.artifacts.qemu.formats["qcow2.xz"].disk, { sha256: await sha256(packed), "uncompressed-sha256": await sha256(base) });
    metadata = JSON.stringify(facts);

    // A store of its own: the disk must come over the network, not from the build.
    Object.assign(world.env, { GLOWPLUG_STORE: join(world.folder, "images"), no_proxy: "127.0.0.1" });
    world.write("fedora.ts", `import fcos from "glowplug/plugins/images/fcos";
export default { cpus: 2, disk: "10GiB", image: fcos({ url: "${address}/streams", keys: [${JSON.stringify(publisher.key)}] }), forwarder: "slirp" };\n`);
    await world.ok("up", "./fedora.ts");
  });
  afterAll(async () => {
    await world.close();
    server?.closeAllConnections();
    server?.close();
  });

  it("was downloaded, verified packed and unpacked, with its signature, and says so", async () => {
    const [{ Image }] = JSON.parse(await world.ok("inspect", "fedora")) as [{ Image: unknown }];
    expect(JSON.stringify(Image)).toContain("Fedora CoreOS 44.");
    const record = JSON.parse(readFileSync(join(world.folder, "data/glowplug/machines/fedora/machine.json"), "utf8")) as { image: { verified: { what: string }[] } };
    expect(record.image.verified.map(({ what }) => what)).toEqual(["download", "result", "signature"]);
  });

  it("boots, answers, and does not update itself", async () => {
    expect(await world.ok("ssh", "fedora", "id -un; systemctl is-enabled zincati.service || true")).toMatch(/^core\n(?!enabled)/);
  });
});

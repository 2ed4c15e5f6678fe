#!/usr/bin/env glowplug
// The machine of `npm run quickstart`. Like any script, it describes a machine and exports it:
//   glowplug up examples/quickstart.ts
import { defineMachine } from "glowplug";
import { hostFacts } from "glowplug";

const host = hostFacts();
const debianLike = host.os === "linux" && /\b(debian|ubuntu)\b/.test(`${host.osRelease["ID"]} ${host.osRelease["ID_LIKE"]}`);
const buildable = debianLike && host.arch === "x86_64" && host.find("mmdebstrap") !== undefined;

console.error(
  buildable
    ? "image: debian-bootstrap, built here from Debian's own packages (this is a Debian-like host with mmdebstrap)"
    : `image: Fedora CoreOS, downloaded (${debianLike ? "mmdebstrap is not installed" : "only a Debian-like x86_64 host can build a guest"})`,
);

export default defineMachine({
  name: "quickstart",
  cpus: 2,
  memory: "2GiB",
  disk: "20GiB",
  image: buildable ? "debian-bootstrap" : "fcos",
});

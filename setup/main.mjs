// @ts-check
/** The verbs of setup.mjs. */
import { spawnSync } from "node:child_process";
import { ensurePrograms, ensureTool } from "./install.mjs";
import { isDebianLike, readOsRelease } from "./host.mjs";
import { armLinux, bubblewrap, cloudInit, docker, gvproxy, landlockSetpriv, podmanRemote, quickstartNeeds, registry, testNeeds, virtiofsd } from "./packages.mjs";
import { ensureBuilt, ensureModules } from "./project.mjs";
import { root, runHere, say } from "./run.mjs";
import { runTests } from "./tests.mjs";

/** What `npm run quickstart` does once all is there. */
const quickstart = [["up", "examples/quickstart.ts"], ["run", "examples/quickstart-tour.ts"]];

const usage = `usage: node setup.mjs VERB
  quickstart            boot a machine and run a container in it
  test [PART] [FILE]    run the tests; parts: types, unit, fake, boot
  crash [FILE]          kill every verb at every step of it, act on machines at random, and make the world go wrong
  bench [--no-boot]     measure; without a boot of a real guest, if so told
  tools [test]          only see to the host's programs, with \`test\` also those that tests call`;

/**
 * @param {readonly string[]} argv
 * @returns {Promise<number>} exit status
 */
export async function main([verb, ...rest]) {
  process.chdir(root);
  switch (verb) {
    case "quickstart": {
      await ensureModules();
      await ensureHost(false);
      await ensureBuilt();
      for (const argv of quickstart) {
        const status = await runHere(process.execPath, ["dist/glowplug.js", ...argv]);
        if (status !== 0) return status;
      }
      return 0;
    }
    case "test":
      await ensureModules();
      await ensureHost(true);
      await ensureBuilt();
      return runTests(rest);
    case "crash":
      await ensureModules();
      await ensureHost(true);
      await ensureBuilt();
      return runTests(["crash", ...rest]);
    case "bench":
      await ensureModules();
      await ensureHost(true);
      await ensureBuilt();
      return runHere(process.execPath, ["--import", "tsx", "test/bench/main.ts", ...rest]);
    case "tools":
      await ensureHost(rest[0] === "test");
      say("all programs are there");
      return 0;
    default:
      console.error(usage);
      return 2;
  }
}

/**
 * The host's programs. gvproxy, bubblewrap and virtiofsd are only wishes for the quickstart: without them QEMU's own network and file
 * sharing serve.
 * @param {boolean} forTests
 */
async function ensureHost(forTests) {
  const canBuildGuest = isDebianLike(readOsRelease()) && process.arch === "x64";
  await ensurePrograms([...quickstartNeeds(process.arch, canBuildGuest), ...(forTests ? testNeeds : [])]);
  const got = ensureTool(gvproxy, { orElsewhere: true });
  await (forTests ? got : got.catch((error) => say(`${error.message}; QEMU's own network is used instead`)));
  const shares = ensureTool(virtiofsd, { orElsewhere: true });
  await (forTests ? shares : shares.catch((error) => say(`${error.message}; volumes go without it`)));
  if (process.platform === "linux") await ensureTool(bubblewrap, { orElsewhere: true }).catch((error) => say(`${error.message}; gvproxy may run without a fence`));
  if (!forTests) return;
  await ensureTool(docker, { orElsewhere: false });
  await ensureTool(podmanRemote, { orElsewhere: false });
  await ensureTool(registry, { orElsewhere: true });
  await ensureTool(armLinux, { orElsewhere: false });
  if (!knowsLandlock()) for (const part of landlockSetpriv) await ensureTool(part, { orElsewhere: false });
  await ensureTool(cloudInit, { orElsewhere: false });
}

/** Whether this system's own setpriv does. */
function knowsLandlock() {
  return spawnSync("setpriv", ["--help"], { encoding: "utf8" }).stdout?.includes("--landlock-access") ?? false;
}

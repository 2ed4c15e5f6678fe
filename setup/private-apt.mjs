// @ts-check
/** Fetches single Debian packages into a folder of ours, as an ordinary user and without a trace in the system's package lists. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { deriveSource, mainArchive, parseDeb822, parseList } from "./apt-sources.mjs";

const run = promisify(execFile);

/**
 * Unpacks files of a package into a folder, whole or not at all.
 * @param {object} wanted
 * @param {readonly string[]} wanted.packages names to try in order; releases split packages differently
 * @param {string} wanted.suite where to take it from: "trixie"
 * @param {string} wanted.codename of the release that this machine runs
 * @param {readonly string[]} wanted.files paths in the package, as "usr/bin/gvproxy"
 * @param {string} wanted.folder gets the files under the same paths
 * @returns {Promise<string>} the package's name and version
 */
export async function fetchPackage({ packages, suite, codename, files, folder }) {
  const archive = mainArchive(await readSources(), codename);
  if (!archive) throw new Error(`no archive of this release (${codename}) with the component main in /etc/apt, to take ${packages[0]} from`);
  const scratch = await mkdtemp(join(tmpdir(), "glowplug-apt-"));
  try {
    const apt = await privateApt(scratch, deriveSource(archive, suite));
    await apt("update");
    const deb = await download(apt, packages, scratch);
    const fresh = await unpack(deb, files, scratch);
    await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
    await replaceFolder(fresh, folder);
    const { stdout } = await run("dpkg-deb", ["--show", "--showformat=${Package} ${Version}", deb]);
    return stdout;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** All enabled sources of this machine. */
async function readSources() {
  const folder = "/etc/apt/sources.list.d";
  const names = (await readdir(folder).catch(() => [])).sort();
  const main = await readFile("/etc/apt/sources.list", "utf8").catch(() => "");
  const parts = await Promise.all(
    names.filter((name) => /\.(list|sources)$/.test(name)).map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      return name.endsWith(".list") ? parseList(text) : parseDeb822(text);
    }),
  );
  return [...parseList(main), ...parts.flat()];
}

/**
 * apt-get with lists, cache and sources of its own. The machine's apt.conf still holds (proxies, logins), but not its hooks,
 * which expect root's folders.
 * @param {string} scratch
 * @param {string} source in deb822 form
 */
async function privateApt(scratch, source) {
  const conf = join(scratch, "apt.conf");
  for (const folder of ["sources", "lists/partial", "cache/archives/partial", "deb"]) await mkdir(join(scratch, folder), { recursive: true });
  await writeFile(join(scratch, "sources/derived.sources"), source);
  await writeFile(join(scratch, "status"), "");
  await writeFile(conf, [
    "#clear APT::Update::Pre-Invoke;", "#clear APT::Update::Post-Invoke;", "#clear APT::Update::Post-Invoke-Success;", "#clear APT::Architectures;",
    `Dir::Etc::sourcelist "/dev/null";`, `Dir::Etc::sourceparts "${scratch}/sources";`,
    `Dir::Etc::preferences "/dev/null";`, `Dir::Etc::preferencesparts "/dev/null";`,
    `Dir::State::lists "${scratch}/lists";`, `Dir::State::status "${scratch}/status";`,
    `Dir::Cache "${scratch}/cache";`, `Dir::Cache::archives "${scratch}/cache/archives";`,
    `APT::Sandbox::User "root";`, `Debug::NoLocking "true";`, `Acquire::Languages "none";`, `Acquire::Retries "3";`, `APT::Get::List-Cleanup "false";`, "",
  ].join("\n"));
  /** @param {readonly string[]} argv */
  return (...argv) => run("apt-get", ["-qq", "-c", conf, ...argv], { cwd: join(scratch, "deb"), maxBuffer: 2 ** 24, timeout: 600_000, env: { ...process.env, LC_ALL: "C.UTF-8" } });
}

/**
 * @param {(...argv: string[]) => Promise<unknown>} apt
 * @param {readonly string[]} packages
 * @param {string} scratch
 */
async function download(apt, packages, scratch) {
  let failure;
  for (const name of packages) {
    try {
      await apt("download", name);
    } catch (error) {
      failure ??= error;
      continue;
    }
    const [deb] = (await readdir(join(scratch, "deb"))).filter((file) => file.endsWith(".deb"));
    if (deb) return join(scratch, "deb", deb);
  }
  throw failure;
}

/**
 * Only the named files are kept, since a package may bring a daemon beside its client.
 * @param {string} deb
 * @param {readonly string[]} files
 * @param {string} scratch
 */
async function unpack(deb, files, scratch) {
  const all = join(scratch, "all");
  const kept = join(scratch, "kept");
  await run("dpkg-deb", ["--extract", deb, all]);
  for (const file of files) {
    await mkdir(dirname(join(kept, file)), { recursive: true });
    await rename(join(all, file), join(kept, file));
  }
  return kept;
}

/** @param {string} fresh @param {string} folder */
async function replaceFolder(fresh, folder) {
  const beside = `${folder}.new-${process.pid}`;
  await run("cp", ["-a", fresh, beside]); // the temporary folder may lie on another file system
  await rm(folder, { recursive: true, force: true });
  await rename(beside, folder);
}

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** Debian's Python, whose modules cloud-init's checker imports. */
const python = "/usr/bin/python3";

/**
 * What the real cloud-init's own checker (`cloud-init schema`, unpacked by set-up) has to say about a user-data; empty when it is
 * content. Words that it calls deprecated count too.
 */
export function problemsOfUserData(text: string): string[] {
  const folder = join(process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share"), "glowplug/tools/cloud-init/usr/lib/python3/dist-packages");
  if (!existsSync(folder)) throw new Error(`no cloud-init in ${folder}; \`node setup.mjs tools test\` unpacks it`);
  const program = "import sys; from cloudinit.cmd.main import main; sys.argv[0] = 'cloud-init'; sys.exit(main())";
  const scratch = mkdtempSync(join(tmpdir(), "gp-"));
  try {
    const file = join(scratch, "user-data");
    writeFileSync(file, text);
    const { stdout, stderr, status } = spawnSync(python, ["-c", program, "schema", "--config-file", file], { encoding: "utf8", env: { ...process.env, PYTHONPATH: folder } });
    const lines = `${stdout}${stderr}`.split("\n").filter((line) => line !== "" && !line.startsWith("Valid "));
    return status === 0 || lines.length > 0 ? lines : [`cloud-init schema ended with ${status}`];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** YAML as cloud-init reads it: by PyYAML, as version 1.1. */
export function readByPython(text: string): unknown {
  const { stdout, stderr, status } = spawnSync(python, ["-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)"], { input: text, encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

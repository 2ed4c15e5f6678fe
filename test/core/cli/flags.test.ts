import { describe, expect, test } from "vitest";
import { choice, describeFlags, duration, list, on, parseFlags, text, whole } from "../../../core/cli/flags.ts";
import { isMachineError } from "../../../core/errors.ts";

const table = {
  cpus: whole("--cpus <n>", "Processors"),
  memory: whole("-m, --memory <MiB>", "Memory"),
  image: text("--image <what>", "Image"),
  volume: list("-v, --volume <source[:target]>", "Folder"),
  rootful: on("--rootful", "Root's podman"),
  force: on("-f, --force", "Force"),
  noInfo: on("--no-info", "No notes"),
  timeout: duration("--timeout <time>", "Time"),
  logFormat: choice("--log-format <format>", "Format", ["text", "json"]),
} as const;

function parse(argv: readonly string[], passThrough = false) {
  const { flags, words } = parseFlags(table, argv, { program: "glowplug init", passThrough });
  return { flags: Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)), words };
}
function problem(argv: readonly string[]): { message: string; hint: string | undefined } {
  try {
    parse(argv);
  } catch (error) {
    if (isMachineError(error)) return { message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error("no error");
}

describe("what is understood", () => {
  test.each<[string[], object, string[]]>([
    [[], {}, []],
    [["web"], {}, ["web"]],
    [["--cpus", "4", "web"], { cpus: 4 }, ["web"]],
    [["web", "--cpus=4"], { cpus: 4 }, ["web"]],
    [["-m", "512"], { memory: 512 }, []],
    [["-m512", "-f"], { memory: 512, force: true }, []],
    [["-m=512", "web"], { memory: 512 }, ["web"]],
    [["-fm512"], { memory: 512, force: true }, []],
    [["-fm", "512"], { memory: 512, force: true }, []],
    [["--force=false", "--force"], { force: true }, []],
    [["--image="], { image: "" }, []],
    [["-"], {}, ["-"]],
    [["--memory=1", "--memory=2"], { memory: 2 }, []],
    [["-v", "/a", "--volume=/b:/c", "-v", ""], { volume: ["/a", "/b:/c", ""] }, []],
    [["--rootful"], { rootful: true }, []],
    [["--rootful=false", "web"], { rootful: false }, ["web"]],
    [["--force=T"], { force: true }, []],
    [["--no-info"], { noInfo: true }, []],
    [["--image", "--rootful=false"], { image: "--rootful=false" }, []],
    [["--timeout", "90"], { timeout: 90_000 }, []],
    [["--timeout", "1m30s"], { timeout: 90_000 }, []],
    [["--log-format", "json"], { logFormat: "json" }, []],
    [["--", "--cpus"], {}, ["--cpus"]],
  ])("%j", (argv, flags, words) => {
    expect(parse(argv)).toEqual({ flags, words });
  });

  test("with a command behind, its flags are its own", () => {
    expect(parse(["-f", "web", "ls", "--cpus", "--rootful=no", "--", "-m"], true)).toEqual({ flags: { force: true }, words: ["web", "ls", "--cpus", "--rootful=no", "--", "-m"] });
  });
});

describe("what is refused", () => {
  test.each([
    [["--foo"], "unknown flag: --foo", "See 'glowplug init --help'."],
    [["--imgae=x"], "unknown flag: --imgae", "Did you mean --image? See 'glowplug init --help'."],
    [["--memroy", "4"], "unknown flag: --memroy", "Did you mean --memory? See 'glowplug init --help'."],
    [["-x"], "unknown shorthand flag: 'x' in -x", "See 'glowplug init --help'."],
    [["-fx"], "unknown shorthand flag: 'x' in -fx", "See 'glowplug init --help'."],
    [["--foo=1"], "unknown flag: --foo", "See 'glowplug init --help'."],
    [["-m"], "flag needs an argument: --memory", "See 'glowplug init --help'."],
    [["--cpus"], "flag needs an argument: --cpus", "See 'glowplug init --help'."],
    [["--cpus", "many"], 'invalid argument "many" for "--cpus" flag: expected a whole number of at least 1', undefined],
    [["--cpus", "0"], 'invalid argument "0" for "--cpus" flag: expected a whole number of at least 1', undefined],
    [["--cpus=1.5"], 'invalid argument "1.5" for "--cpus" flag: expected a whole number of at least 1', undefined],
    [["--rootful=maybe"], 'invalid argument "maybe" for "--rootful" flag: expected true or false', undefined],
    [["--timeout", "soon"], 'invalid argument "soon" for "--timeout" flag: expected a duration such as "90s" or "5m"', undefined],
    [["--log-format", "xml"], 'invalid argument "xml" for "--log-format" flag: expected one of text, json', undefined],
  ])("%j", (argv, message, hint) => {
    expect(problem(argv)).toEqual({ message, hint });
  });
});

test("help has two columns", () => {
  expect(describeFlags({ memory: table.memory, image: table.image })).toBe("  -m, --memory <MiB>  Memory\n      --image <what>  Image");
});

import { describe, expect, test } from "vitest";
import { exportLines, shellOf, unsetLines } from "../../../core/cli/env.ts";
import { commandLine, playKeeper } from "./command-line.ts";

test.each([["/bin/bash", "bash"], ["/usr/bin/zsh", "zsh"], ["/opt/fish/bin/fish", "fish"], ["/bin/dash", "sh"], [undefined, "sh"]])("$SHELL %s is %s", (path, shell) => {
  expect(shellOf(path)).toBe(shell);
});

test("every shell reads its lines as they are meant, quotes in the path included", () => {
  expect(exportLines("bash", "unix:///a'b")).toBe("export DOCKER_HOST='unix:///a'\\''b'\nexport CONTAINER_HOST='unix:///a'\\''b'\n");
  expect(exportLines("fish", "unix:///a'b")).toBe("set -gx DOCKER_HOST 'unix:///a\\'b';\nset -gx CONTAINER_HOST 'unix:///a\\'b';\n");
  expect(unsetLines("zsh")).toBe("unset DOCKER_HOST CONTAINER_HOST\n");
  expect(unsetLines("fish")).toBe("set -e DOCKER_HOST;\nset -e CONTAINER_HOST;\n");
});

describe("without an API", () => {
  test("--unset needs no machine", async () => {
    expect(await commandLine().run(["env", "--unset", "--shell=sh"])).toEqual({ status: 0, stdout: "unset DOCKER_HOST CONTAINER_HOST\n", stderr: "" });
  });
  test("a machine that serves none is an error, and stdout stays empty for eval", async () => {
    const { run, add, paths } = commandLine();
    const { spec } = add("web");
    add("web", { spec: { ...spec, podman: false } });
    await playKeeper(paths, "web");
    expect(await run(["env", "web"])).toEqual({ status: 125, stdout: "", stderr: "Error: web serves no podman API\nhint: It was made with `podman: false`.\n" });
  });
});

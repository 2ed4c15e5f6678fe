import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { publish } from "../../../core/cli/podman-events.ts";
import { makeTestFolder } from "../../support/folders.ts";

/** A listener, and what each that called it said. */
async function listen(path: string, answer = ""): Promise<{ readonly heard: Promise<string>; readonly server: Server }> {
  let tell: (text: string) => void = () => {};
  const heard = new Promise<string>((resolve) => { tell = resolve; });
  const server = createServer((socket) => {
    let text = "";
    socket.on("data", (bytes: Buffer) => (text += bytes.toString()));
    socket.on("end", () => tell(text));
    if (answer !== "") socket.write(answer);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return { heard, server };
}

function folders() {
  const { paths, remove } = makeTestFolder();
  onTestFinished(remove);
  mkdirSync(paths.podmanRuntime, { recursive: true });
  return paths;
}

test("every socket in podman's folder whose name says so gets one JSON object, without a newline", async () => {
  const paths = folders();
  const all = await Promise.all(["machine_events.sock", "desktop-machine_events.2.sock"].map((name) => listen(join(paths.podmanRuntime, name), "hello")));
  writeFileSync(join(paths.podmanRuntime, "other.sock"), "");
  await publish("init", "web", { paths, env: {} });
  for (const { heard } of all) {
    const text = await heard;
    expect(text).toMatch(/^\{"Name":"web","Status":"init","Time":"\d{4}-\d\d-\d\dT[\d:.]+Z","Type":"machine","Attributes":null\}$/);
  }
});

test("the socket that the environment names stands for all of them", async () => {
  const paths = folders();
  const { heard } = await listen(join(paths.podmanRuntime, "mine.sock"));
  const others = await listen(join(paths.podmanRuntime, "machine_events.sock"));
  let called = false;
  others.server.on("connection", () => { called = true; });
  await publish("remove", "web", { paths, env: { PODMAN_MACHINE_EVENTS_SOCK: join(paths.podmanRuntime, "mine.sock") } });
  expect(JSON.parse(await heard)).toMatchObject({ Name: "web", Status: "remove" });
  expect(called).toBe(false);
});

test("nobody who listens, or who listens no more, is no failure", async () => {
  const paths = folders();
  writeFileSync(join(paths.podmanRuntime, "machine_events.sock"), "");
  await publish("start", "web", { paths, env: {} });
  await publish("start", "web", { paths, env: { PODMAN_MACHINE_EVENTS_SOCK: "/nowhere/at/all.sock" } });
  await publish("start", "web", { paths: { ...paths, podmanRuntime: "/nowhere" }, env: {} });
});

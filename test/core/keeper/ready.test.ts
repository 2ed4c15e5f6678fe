import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openReadyPort } from "../../../core/keeper/ready.ts";
import { scratchFolder } from "../../fixtures/login.ts";

describe.each(["listen", "connect"] as const)("a ready port (%s)", (kind) => {
  async function opened(isUp?: boolean): Promise<{ readonly say: (text: string) => void; readonly first: () => string; readonly later: readonly string[] }> {
    const path = join(scratchFolder(), "ready.sock");
    let vm: Promise<Socket>;
    if (kind === "connect") {
      const server = createServer().listen(path);
      onTestFinished(() => void server.close());
      await once(server, "listening");
      vm = once(server, "connection").then(([socket]) => socket as Socket);
    }
    const port = await openReadyPort({ kind, path }, isUp);
    onTestFinished(() => port.close());
    if (kind === "listen") vm = Promise.resolve(connect(path));
    const socket = await vm!;
    onTestFinished(() => void socket.destroy());
    let first = "";
    const later: string[] = [];
    port.line.then((line) => (first = line), () => {});
    port.onLater((line) => void later.push(line));
    return { say: (text) => void socket.write(text), first: () => first, later };
  }

  it("tells a guest's first line from those of its reboots", async () => {
    const { say, first, later } = await opened();
    say("Rea");
    say("dy\nFailed once more\n");
    await vi.waitFor(() => expect([first(), later]).toEqual(["Ready", ["Failed once more"]]), 5000);
  });

  it("of a guest that is up has no first line", async () => {
    const { say, first, later } = await opened(true);
    say("Ready\n");
    await vi.waitFor(() => expect([first(), later]).toEqual(["", ["Ready"]]), 5000);
  });
});

import { appendFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { followFile } from "../../../core/keeper/follow.ts";
import { scratchFolder } from "../../fixtures/login.ts";

interface Followed {
  readonly path: string;
  readonly text: () => string;
  readonly close: () => void;
}

function follow(begin?: string, fromEnd?: boolean): Followed {
  const path = join(scratchFolder(), "console.log");
  if (begin !== undefined) writeFileSync(path, begin);
  let text = "";
  const close = followFile(path, (bytes) => (text += bytes.toString("latin1")), fromEnd);
  onTestFinished(close);
  return { path, text: () => text, close };
}

describe("following a file", () => {
  it("begins with what is there", () => {
    expect(follow("one\n").text()).toBe("one\n");
  });

  it("leaves out what is there where only its end is wanted", async () => {
    const { path, text } = follow("one\n", true);
    appendFileSync(path, "two\n");
    await vi.waitFor(() => expect(text()).toBe("two\n"), { timeout: 5000 });
  });

  it("hands over what is appended", async () => {
    const { path, text } = follow("one\n");
    appendFileSync(path, "two\n");
    await vi.waitFor(() => expect(text()).toBe("one\ntwo\n"), { timeout: 5000 });
  });

  it("waits for a file that is not there yet", async () => {
    const { path, text } = follow();
    writeFileSync(path, "late\n");
    await vi.waitFor(() => expect(text()).toBe("late\n"), { timeout: 5000 });
  });

  it("begins anew when the file was cut short", async () => {
    const { path, text } = follow("long ago\n");
    truncateSync(path);
    appendFileSync(path, "new\n");
    await vi.waitFor(() => expect(text()).toBe("long ago\nnew\n"), { timeout: 5000 });
  });

  it("hands over more than fits into one read", () => {
    const text = "x".repeat(200_000);
    expect(follow(text).text()).toBe(text);
  });

  it("takes the rest when it is closed, and nothing after", () => {
    const { path, text, close } = follow("");
    appendFileSync(path, "last words\n");
    close();
    appendFileSync(path, "from the grave\n");
    expect(text()).toBe("last words\n");
  });
});

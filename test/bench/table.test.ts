import { expect, test } from "vitest";
import { median, summary } from "./measure.ts";
import { renderTable } from "./table.ts";

test.each([[[3, 1, 2], 2], [[1, 2, 3, 4], 2.5], [[7], 7]])("the median of %j is %d", (values, middle) => {
  expect(median(values)).toBe(middle);
});

test("a row tells both figures, the ratio of neighbours, and whether the aim is met", () => {
  expect(renderTable([
    summary("list", [[40, 20], [90, 60], [60, 30]], "node -e 0", { aim: { of: "ratio", most: 2 } }),
    summary("init", [[700, 7]], "qemu-img", { aim: { of: "figure", most: 500 } }),
    summary("memory", [[54, 40]], "node", { unit: "MB" }),
    summary("port", [[40, 50]], "alone", { unit: "MB/s", aim: { of: "ratio", least: 0.9 } }),
  ])).toBe([
    "        glowplug  beside it         ratio     aim                      times",
    "list    60 ms     30 ms  node -e 0  2.00 x    at most 2.00 x   met     3",
    "init    700 ms    7.0 ms  qemu-img  100.00 x  at most 500 ms   MISSED  1",
    "memory  54 MB     40 MB  node       1.35 x                             1",
    "port    40 MB/s   50 MB/s  alone    0.80 x    at least 0.90 x  MISSED  1",
    "",
  ].join("\n"));
});

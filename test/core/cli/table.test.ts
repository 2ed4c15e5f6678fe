import { expect, test } from "vitest";
import { alignTabs } from "../../../core/cli/table.ts";

test("a column is as wide as its widest cell and two spaces, at least twelve", () => {
  expect(alignTabs("NAME\tVM TYPE\tCREATED\na-rather-long-name\tqemu\t3 days ago\n")).toBe(
    "NAME                VM TYPE     CREATED\n" +
    "a-rather-long-name  qemu        3 days ago\n",
  );
});

test("only neighbouring lines share a column", () => {
  expect(alignTabs("aaaa\tb\n\nc\td\n", { least: 0 })).toBe("aaaa  b\n\nc  d\n");
});

test("text without tabs is left alone", () => {
  expect(alignTabs("one\ntwo three\n")).toBe("one\ntwo three\n");
});

test("colours and wide sequences take no room", () => {
  expect(alignTabs("\u001b[31mab\u001b[39m\tc\nabc\td\n", { least: 0 })).toBe("\u001b[31mab\u001b[39m   c\nabc  d\n");
});

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { certificateQuestion } from "../../../core/doctor/certificate-question.ts";
import { certificates } from "../../fixtures/certificates.ts";
import { scratchFolder } from "../../fixtures/login.ts";

const all = Object.values(certificates).map((text) => new X509Certificate(text).toString());
const ask = (asked: readonly string[], file: string): string => execFileSync("/bin/sh", ["-euc", certificateQuestion(asked, ["/nowhere/ca.pem", file])], { encoding: "utf8" }).trim();

it("tells how many certificates are not among those that a system trusts", () => {
  expect(all.length).toBeGreaterThan(1);
  const file = join(scratchFolder(), "ca.pem");
  const [first = "", ...others] = all;
  writeFileSync(file, `# a remark\n${others.join("\n").replaceAll("\n", "\r\n")}`);
  expect([ask(all, file), ask(others, file), ask([first], file)]).toEqual(["1", "0", "1"]);
  writeFileSync(file, "");
  expect(ask(all, file)).toBe(String(all.length));
  expect(ask(all, "/nowhere/else.pem")).toBe(String(all.length));
});

it("asks nothing where there are none", () => {
  expect(certificateQuestion([])).toBe("true");
});

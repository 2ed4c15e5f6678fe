import { describe, expect, it } from "vitest";
import { readChecksums } from "../../core/checksums.ts";

const [a, b, long] = ["a".repeat(64), "b".repeat(64), "c".repeat(128)];
const sha256 = (hex: string) => ({ algorithm: "sha256", hex });
const sha512 = (hex: string) => ({ algorithm: "sha512", hex });

describe("a list of checksums", () => {
  it.each<[string, string, Record<string, object>]>([
    ["in GNU's form", `${a}  one.qcow2\n${b} *two words.img\n`, { "one.qcow2": sha256(a), "two words.img": sha256(b) }],
    ["in BSD's form, with comments", `# one.qcow2: 12 bytes\nSHA256 (one.qcow2) = ${a}\nSHA512 (two (2).img) = ${long}\n`, { "one.qcow2": sha256(a), "two (2).img": sha512(long) }],
    ["in both, from Windows", `${a}  one.qcow2\r\nSHA256 (two) = ${b}\r\n`, { "one.qcow2": sha256(a), two: sha256(b) }],
    ["with paths", `${a}  ./one.qcow2\n${b}  sub/two.img\n`, { "one.qcow2": sha256(a), "sub/two.img": sha256(b) }],
    ["in upper case", `${"A".repeat(64)}  one\n`, { one: sha256(a) }],
    ["alone, without a name", `${long}\n`, { "": sha512(long) }],
    ["by several algorithms, of which the longest counts", `# MD5 HASH\n${"1".repeat(32)}  one\n# SHA1 HASH\n${"2".repeat(40)}  one\n# SHA512 HASH\n${long}  one\n# SHA256 HASH\n${a}  one\n`, { one: sha512(long) }],
    ["that is clear-signed", `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSHA256 (one) = ${a}\n-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCAAdFiEE\n=Me1A\n-----END PGP SIGNATURE-----\n`, { one: sha256(a) }],
  ])("%s", (_, text, expected) => expect(Object.fromEntries(readChecksums(text))).toEqual(expected));

  it.each([
    ["a page", "<html>\n<title>Log in</title>\n"], ["nothing", ""], ["JSON", `{"sha256":"${a}"}`], ["md5 alone", `${"1".repeat(32)}  one\n`],
    ["a line of a wrong length", `${a}0  one\n`], ["an algorithm that does not fit", `SHA512 (one) = ${a}\n`], ["no blank", `${a}one\n`],
  ])("is empty for %s", (_, text) => expect(readChecksums(text).size).toBe(0));
});

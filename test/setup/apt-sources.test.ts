import { expect, test } from "vitest";
import { deriveSource, mainArchive, parseDeb822, parseList } from "../../setup/apt-sources.mjs";

const list = `# a comment
deb http://mirror.example/debian bookworm main contrib # trailing
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64,arm64 signed-by=/usr/share/keyrings/a.gpg] https://mirror.example/security bookworm-security main
  deb [ trusted=yes ] http://local.example/apt ./
#deb http://off.example/debian bookworm main
deb cdrom:[Debian 12]/ bookworm main
`;

test("a list's lines become sources, comments and blanks are left out", () => {
  expect(parseList(list)).toEqual([
    { types: ["deb"], uris: ["http://mirror.example/debian"], suites: ["bookworm"], components: ["main", "contrib"], fields: {} },
    { types: ["deb-src"], uris: ["http://mirror.example/debian"], suites: ["bookworm"], components: ["main"], fields: {} },
    {
      types: ["deb"], uris: ["https://mirror.example/security"], suites: ["bookworm-security"], components: ["main"],
      fields: { Architectures: "amd64 arm64", "Signed-By": "/usr/share/keyrings/a.gpg" },
    },
    { types: ["deb"], uris: ["http://local.example/apt"], suites: ["./"], components: [], fields: { Trusted: "yes" } },
    { types: ["deb"], uris: ["cdrom:[Debian"], suites: ["12]/"], components: ["bookworm", "main"], fields: {} },
  ]);
});

const deb822 = `# how the image's sources look
Types: deb
# a snapshot would be elsewhere
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb deb-src
uris: http://mirror.example/security
suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
`;

test("a .sources file's paragraphs become sources, a key block included, what is switched off left out", () => {
  expect(parseDeb822(deb822)).toEqual([
    { types: ["deb"], uris: ["http://mirror.example/debian"], suites: ["bookworm", "bookworm-updates"], components: ["main"], fields: { "Signed-By": "/usr/share/keyrings/debian.gpg" } },
    {
      types: ["deb", "deb-src"], uris: ["http://mirror.example/security"], suites: ["bookworm-security"], components: ["main"],
      fields: { "Signed-By": "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEY865\n -----END PGP PUBLIC KEY BLOCK-----" },
    },
  ]);
});

test("the main archive is the one with the release's own suite, or with stable, never a cdrom", () => {
  const sources = [...parseList(list).reverse(), ...parseDeb822(deb822)];
  expect(mainArchive(sources, "bookworm")?.uris).toEqual(["http://mirror.example/debian"]);
  expect(mainArchive(parseList("deb http://a.example/x other main\ndeb http://b.example/y stable main"), "trixie")?.uris).toEqual(["http://b.example/y"]);
  expect(mainArchive(parseList("deb http://a.example/x bookworm contrib"), "bookworm")).toBeUndefined();
});

test.each([
  [parseDeb822(deb822)[0], "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie\nComponents: main\nTargets: Packages\nSigned-By: /usr/share/keyrings/debian.gpg\n"],
  [
    parseDeb822(deb822)[1],
    "Types: deb\nURIs: http://mirror.example/security\nSuites: trixie\nComponents: main\nTargets: Packages\nSigned-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEY865\n -----END PGP PUBLIC KEY BLOCK-----\n",
  ],
  [parseList("deb [arch=amd64 lang=en trusted=yes] http://a.example/d bookworm main")[0], "Types: deb\nURIs: http://a.example/d\nSuites: trixie\nComponents: main\nTargets: Packages\nTrusted: yes\n"],
])("a derived source keeps the address and the trust, and reads another suite's package index alone", (source, text) => {
  expect(source && deriveSource(source, "trixie")).toBe(text);
});

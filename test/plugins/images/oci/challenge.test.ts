import fc from "fast-check";
import { expect, it } from "vitest";
import { readChallenges } from "../../../../plugins/images/oci/challenge.ts";

it.each([
  ['Bearer realm="https://auth.test/token",service="registry.test",scope="repository:a/b:pull,push"', [{ scheme: "bearer", parameters: new Map(Object.entries({ realm: "https://auth.test/token", service: "registry.test", scope: "repository:a/b:pull,push" })) }]],
  ['BASIC Realm="a registry"', [{ scheme: "basic", parameters: new Map(Object.entries({ realm: "a registry" })) }]],
  ['Basic realm=x, Bearer realm = "https://a.test" , service=b', [{ scheme: "basic", parameters: new Map(Object.entries({ realm: "x" })) }, { scheme: "bearer", parameters: new Map(Object.entries({ realm: "https://a.test", service: "b" })) }]],
  ["Negotiate", [{ scheme: "negotiate", parameters: new Map() }]],
  ['Bearer realm="say \\"hi\\""', [{ scheme: "bearer", parameters: new Map(Object.entries({ realm: 'say "hi"' })) }]],
  ['Bearer __proto__="x"', [{ scheme: "bearer", parameters: new Map([["__proto__", "x"]]) }]],
  ['realm="of nobody"', []],
  ['Bearer realm="open', [{ scheme: "bearer", parameters: new Map(Object.entries({ realm: "open" })) }]],
  ["", []],
])("%s is read", (header, expected) => expect(readChallenges(header)).toEqual(expected));

it("any header is read without a fault", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(Bearer|Basic|[a-z]{1,4}|[=",\\ ]|"[a-z]*"){0,20}$/)), (header) => {
    for (const { scheme, parameters } of readChallenges(header)) expect([typeof scheme, [...parameters.values()].every((value) => typeof value === "string")]).toEqual(["string", true]);
  }));
});

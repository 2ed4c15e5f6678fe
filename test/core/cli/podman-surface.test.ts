import { describe, expect, test } from "vitest";
import type { FlagTable } from "../../../core/cli/flags.ts";
import { globalFlags } from "../../../core/cli/globals.ts";
import { findVerb } from "../../../core/cli/verb.ts";
import { verbs } from "../../../core/cli/verbs.ts";
import { podmanFlags } from "../../fixtures/podman-flags.ts";

describe.each(Object.entries(podmanFlags))("podman machine %s", (name, flags) => {
  const verb = findVerb(verbs, name)?.verb;

  test("is a verb here", () => expect(verb).toBeDefined());

  test.each(Object.entries(flags))("has %s here as well, and it takes the same: %s", (names, takes) => {
    const table: FlagTable = { ...globalFlags, ...verb?.flags };
    const found = Object.values(table).find((flag) => long(flag.names) === long(names));
    expect({ takes: found?.takes, short: short(found?.names ?? "") }).toEqual({ takes, short: short(names) === null ? short(found?.names ?? "") : short(names) });
  });
});

function long(names: string): string | undefined {
  return /--[\w-]+/.exec(names)?.[0];
}
/** A letter of podman's must be the same here; where podman has none, ours may. */
function short(names: string): string | null {
  return /^-(\w)\b/.exec(names)?.[1] ?? null;
}

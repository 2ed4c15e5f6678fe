import assert from "node:assert/strict";
import { GuestDraft, type Provisioner, type Seed } from "glowplug";
import { finishGuest } from "../../core/first-boot.ts";
import { checkPlugin } from "../../core/plugin-check.ts";
import { check, type ContractCheck } from "./check.ts";
import { inSandbox, withoutEffects } from "./sandbox.ts";

/** What every provisioner promises. `make` is called for each check. */
export function provisionerContract(make: () => Provisioner): readonly ContractCheck[] {
  const eachDraft = (work: (provisioner: Provisioner, draft: () => GuestDraft, what: string) => Promise<void> | void) => async (): Promise<void> => {
    for (const [what, draft] of Object.entries(drafts)) await work(make(), draft, what);
  };
  return [
    check("has the shape of a provisioner", () => assert.deepEqual(checkPlugin(make(), "provisioner", "provisioner"), [])),
    check("renders a seed of the kind that it declares", eachDraft((provisioner, draft, what) => checkSeed(provisioner.render(draft()), provisioner, what))),
    check("renders the same bytes for the same draft, whichever instance is asked", eachDraft((provisioner, draft, what) => {
      const first = provisioner.render(draft());
      assert.deepEqual(provisioner.render(draft()), first, `${what}: a second rendering differs`);
      assert.deepEqual(make().render(draft()), first, `${what}: the rendering of another instance differs`);
    })),
    check("leaves the draft as it was", eachDraft((provisioner, draft, what) => {
      const guest = draft();
      provisioner.render(guest);
      assert.deepEqual(contentsOf(guest), contentsOf(draft()), `${what}: the draft was changed`);
    })),
    check("renders without writing, starting or listening", eachDraft((provisioner, draft, what) =>
      inSandbox(async (sandbox) => void (await withoutEffects(sandbox, `render() of ${provisioner.name}, ${what}`, () => provisioner.render(draft())))))),
    check("says everything that the draft says", eachDraft((provisioner, draft, what) => {
      const guest = draft();
      const seed = provisioner.render(guest);
      const text = seed.kind === "ignition" ? seed.text : Object.values(seed.files).join("\n");
      const said = [
        ...guest.users.filter(({ absent }) => !absent).flatMap(({ name, authorizedKeys = [] }) => [name, ...authorizedKeys]), ...guest.units.flatMap(({ name, dropins = [] }) => [name, ...dropins.map((dropin) => dropin.name)]),
        ...[...guest.files, ...guest.folders, ...guest.links].map(({ path }) => path), ...guest.links.map(({ target }) => target), ...guest.mounts.flatMap(({ tag, target }) => [tag, target]),
      ];
      // In JSON a backslash is two.
      for (const word of said) assert.ok(text.includes(word) || text.includes(JSON.stringify(word).slice(1, -1)), `${what}: ${word} is in the draft and not in the seed`);
    })),
    check("puts a config of the user's own into an Ignition seed, beside what the draft says", () => {
      const provisioner = make();
      if (provisioner.seed !== "ignition") return;
      const guest = finished(new GuestDraft({ hostname: "mine", ready }).file({ path: "/etc/drafted", content: "drafted" }));
      guest.userConfig = { path: "/home/me/box.ign", text: JSON.stringify({ ignition: { version: "3.0.0" }, storage: { files: [{ path: "/etc/mine", contents: { source: "data:,mine" } }] } }) };
      const { text } = provisioner.render(guest) as Extract<Seed, { kind: "ignition" }>;
      for (const word of ["/etc/drafted", "/etc/mine", "data:,mine"]) assert.ok(text.includes(word), `${word} is not in the seed`);
    }),
    check("tells texts apart that differ in one character, whatever it is", () => {
      const rendered = (content: string): Seed => make().render(finished(new GuestDraft({ hostname: "twins", ready }).file({ path: "/etc/twin", content })));
      for (const [one, other] of twins) assert.notDeepEqual(rendered(one), rendered(other), `${JSON.stringify(one)} and ${JSON.stringify(other)} are rendered alike`);
    }),
  ];
}

/** A file that is hard to quote. */
const odd = { path: "/etc/odd name", content: "\"quoted\" 'twice' $HOME %s \\ \t # { } : - é 漢\n\n no newline at the end" };
const twins = [["a", "a\n"], [" a", "a"], ["a\tb", "a b"], ["a\\n", "a\n"], ["%25", "%"], ["é", "e\u0301"], ["$HOME", "\\$HOME"], ["a: 'b'", 'a: "b"'], ["\u{1f427}", "?"]] as const;
const ready = { kind: "virtio-port", name: "contract.ready" } as const;

const drafts: Readonly<Record<string, () => GuestDraft>> = {
  "a guest of the least": () => finished(new GuestDraft({ hostname: "least", ready }).user({ name: "core", authorizedKeys: ["ssh-ed25519 AAAA login"] })),
  "a guest of everything": () => finished(new GuestDraft({ hostname: "everything", ready })
    .user({ name: "core", uid: 1000, groups: ["sudo", "wheel"], authorizedKeys: ["ssh-ed25519 AAAA login", "ssh-ed25519 BBBB other"], shell: "/bin/sh" })
    .user({ name: "root", authorizedKeys: ["ssh-ed25519 AAAA login"] }).user({ name: "stranger", absent: true })
    .file(odd).file({ path: "/etc/secret", content: "key\n", mode: 0o600, user: "core", group: "core" }).file({ path: "/etc/kept", content: "", overwrite: false })
    .folder({ path: "/var/lib/contract", mode: 0o700, user: "core" }).link({ path: "/etc/localtime", target: "../usr/share/zoneinfo/Europe/Rome" })
    .unit({ name: "contract.service", content: "[Service]\nExecStart=/bin/true %n\n[Install]\nWantedBy=multi-user.target\n" }).unit({ name: "there.service", enabled: true })
    .unit({ name: "unwanted.service", mask: true }).unit({ name: "changed.service", dropins: [{ name: "10-contract.conf", content: "[Service]\nNice=5\n" }] })
    .package("tree", "jq").run("echo 'a' > /root/it").mount({ tag: "volume-1", kind: "virtiofs", target: "/mnt/contract", readOnly: true }).readyAfter("contract.service")),
};

/** The core does this to every draft before it is rendered. */
function finished(guest: GuestDraft): GuestDraft {
  finishGuest(guest);
  return guest;
}

function checkSeed(seed: Seed, { seed: declared, name, firstBoot }: Provisioner, what: string): void {
  assert.equal(seed.kind, declared, `${name}, ${what}: kind of the seed`);
  if (seed.kind === "ignition") {
    assert.equal(firstBoot, "ignition", `${name}: first-boot language of an Ignition seed`);
    const { ignition } = JSON.parse(seed.text) as { readonly ignition?: { readonly version?: string } };
    assert.match(ignition?.version ?? "", /^3\.\d+\.\d+/, `${name}, ${what}: ignition.version`);
    return;
  }
  // What cloud-init's NoCloud source reads.
  for (const file of ["meta-data", "user-data"]) assert.equal(typeof seed.files[file], "string", `${name}, ${what}: the file ${file}`);
}

/** Everything in a draft. */
function contentsOf({ hostname, users, files, folders, links, units, packages, commands, mounts, readyUnits, author }: GuestDraft): unknown {
  return structuredClone({ hostname, users, files, folders, links, units, packages, commands, mounts, readyUnits, author });
}

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GuestDraft } from "glowplug";
import { expect, it } from "vitest";
import { growRoot } from "../../core/grow-root.ts";
import { scratchFolder } from "../fixtures/login.ts";

const gib = 2 ** 21; // in sectors

interface Guest {
  /** Sectors. */
  readonly disk: number;
  readonly partitions: readonly { readonly start: number; readonly size: number }[];
  /** What is mounted at the root. */
  readonly source?: string;
  readonly type?: string;
  readonly programs?: readonly string[];
  readonly coreos?: boolean;
}

/** Runs the guest's script over a folder in place of /sys, and programs that write down how they were called. */
class Played {
  readonly folder = scratchFolder();
  readonly #called = join(this.folder, "called");

  constructor({ disk, partitions, source = "/dev/vda1", type = "ext4", programs = ["sfdisk", "partx", "resize2fs"], coreos = false }: Guest) {
    this.#write("devices/vda/size", `${disk}\n`);
    partitions.forEach(({ start, size }, index) => {
      for (const [name, value] of Object.entries({ partition: index + 1, start, size })) this.#write(`devices/vda/vda${index + 1}/${name}`, `${value}\n`);
    });
    mkdirSync(join(this.folder, "block"));
    for (const name of ["vda", ...partitions.map((_, index) => `vda/vda${index + 1}`)]) symlinkSync(join(this.folder, "devices", name), join(this.folder, "block", name.split("/").at(-1) ?? ""));
    if (coreos) this.#write("ostree-booted", "");
    const root = this.#last(partitions.length);
    for (const name of programs) this.#program(name, /^(partx|growpart)$/.test(name) ? `echo ${disk - (partitions.at(-1)?.start ?? 0)} > ${root}` : name === "sfdisk" ? "cat > /dev/null" : "");
    this.#program("findmnt", `case "$*" in *SOURCE*) echo '${source}' ;; *) echo ${type} ;; esac`, false);
    for (const name of ["readlink", "cat"]) symlinkSync(`/usr/bin/${name}`, join(this.folder, "bin", name));
  }

  boot(): string[] {
    rmSync(this.#called, { force: true });
    const draft = new GuestDraft({ hostname: "web", ready: { kind: "virtio-port", name: "ready" } });
    growRoot(draft);
    const script = draft.files[0]?.content ?? "";
    const here = script.replaceAll("/sys/class/block", join(this.folder, "block")).replaceAll("/var/lib/glowplug", this.folder).replaceAll("/run/ostree-booted", join(this.folder, "ostree-booted"));
    const { status, stderr } = spawnSync("/bin/sh", ["-c", here], { encoding: "utf8", env: { PATH: join(this.folder, "bin") } });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return existsSync(this.#called) ? readFileSync(this.#called, "utf8").trim().split("\n") : [];
  }

  #last(count: number): string {
    return join(this.folder, `devices/vda/vda${count}/size`);
  }
  #write(path: string, text: string): void {
    mkdirSync(join(this.folder, path, ".."), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }
  #program(name: string, text: string, logged = true): void {
    mkdirSync(join(this.folder, "bin"), { recursive: true });
    writeFileSync(join(this.folder, "bin", name), `#!/bin/sh\n${logged ? `echo "${name} $*" >> ${this.#called}\n` : ""}${text}\n`, { mode: 0o755 });
  }
}

it("grows the last partition and the file system on it when the disk has grown, and does nothing at the next boot", () => {
  const guest = new Played({ disk: 12 * gib, partitions: [{ start: 2048, size: 2048 }, { start: 4096, size: gib }], source: "/dev/vda2" });
  expect(guest.boot()).toEqual(["sfdisk --quiet --force --no-reread --no-tell-kernel -N 2 /dev/vda", "partx --update --nr 2 /dev/vda", "resize2fs /dev/vda2"]);
  expect(guest.boot()).toEqual([]);
});

it("grows a Fedora CoreOS in the way that its manual tells", () => {
  const guest = new Played({ disk: 12 * gib, partitions: [{ start: 2048, size: gib }], source: "/dev/vda1[/ostree/deploy]", type: "xfs", programs: ["growpart", "unshare"], coreos: true });
  expect(guest.boot()).toEqual(["growpart /dev/vda 1", expect.stringMatching(/^unshare --mount \/bin\/sh -c mount -o remount,rw "\$1" && xfs_growfs "\$1" sh \/sysroot$/)]);
});

it("grows a btrfs", () => {
  expect(new Played({ disk: 2 * gib, partitions: [{ start: 2048, size: gib }], type: "btrfs", programs: ["growpart", "btrfs"] }).boot()).toEqual(["growpart /dev/vda 1", "btrfs filesystem resize max /"]);
});

it("leaves a partition alone that another one follows, and a root that is on none", () => {
  expect(new Played({ disk: 12 * gib, partitions: [{ start: 2048, size: 2048 }, { start: 4096, size: gib }], source: "/dev/vda1" }).boot()).toEqual([]);
  expect(new Played({ disk: 12 * gib, partitions: [{ start: 2048, size: gib }], source: "/dev/mapper/root" }).boot()).toEqual([]);
});

it("grows a file system that a boot which was cut off left behind its partition", () => {
  const guest = new Played({ disk: 2 * gib, partitions: [{ start: 2048, size: 2 * gib - 2048 }] });
  expect(guest.boot()).toEqual(["resize2fs /dev/vda1"]);
  expect(guest.boot()).toEqual([]);
});

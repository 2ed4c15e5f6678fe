import { describe, expect, it } from "vitest";
import { daemon, findVirtiofsd, listed, type Virtiofsd } from "../../../../plugins/launchers/qemu/virtiofsd.ts";
import { hostOf, type HostParts } from "../../../fixtures/hosts.ts";

const rust = "/usr/libexec/virtiofsd";
const c = "/usr/lib/qemu/virtiofsd";
const answers = {
  [rust]: { stdout: "virtiofsd 1.13.2\n" }, [c]: { stdout: "virtiofsd version 7.2.22 (Debian 1:7.2+dfsg-7)\nusing FUSE kernel interface version 7.36\n" },
  "/opt/virtiofsd": { stdout: "virtiofsd 1.10.0\n" },
};
const find = (parts: HostParts, named?: string) => findVirtiofsd(hostOf("linux/amd64", { answers, ...parts }), named);

describe("looking for virtiofsd", () => {
  it("finds the one that is developed, out of PATH", async () => {
    expect(await find({ files: [rust] })).toEqual({ program: rust, kind: "rust", version: "1.13.2" });
  });

  it("takes the one of QEMU 7.2 for root alone, since it runs for nobody else", async () => {
    expect(await find({ files: [c], uid: 0 })).toEqual({ program: c, kind: "c", version: "7.2.22" });
    expect(await find({ files: [c], uid: 1000 })).toBeUndefined();
  });

  it("passes over one that does not run, to the next", async () => {
    const broken = { ...answers, [rust]: { exitCode: 1, stderr: "GLIBC_2.39 not found" } };
    expect(await find({ files: [rust], answers: broken })).toBeUndefined();
    expect(await find({ files: [rust, c], uid: 0, answers: broken })).toMatchObject({ program: c });
  });

  it("takes the one that is named and no other", async () => {
    expect(await find({ files: [rust], programs: { "/opt/virtiofsd": "/opt/virtiofsd" } }, "/opt/virtiofsd")).toEqual({ program: "/opt/virtiofsd", kind: "rust", version: "1.10.0" });
    await expect(find({ files: [rust, c], programs: { [c]: c }, uid: 1000 }, c)).rejects.toMatchObject({ code: "missing-program", message: `${c} is not there, or is no virtiofsd that this user can run` });
    await expect(find({ files: [rust] }, "/opt/none")).rejects.toMatchObject({ code: "missing-program", plugin: "qemu" });
  });

  it("goes without where that is said", async () => expect(await findVirtiofsd(hostOf("linux/amd64", { answers, files: [rust] }), false)).toBeUndefined());

  it("finds none on macOS", async () => expect(await findVirtiofsd(hostOf("darwin/arm64", { files: [rust] }))).toBeUndefined());
});

describe("the daemon of a folder", () => {
  const share = { name: "virtiofsd /src", source: "/a,b", listedSource: listed("/a,b"), socket: "/run/s", readOnly: true };
  const argv = (virtiofsd: Omit<Virtiofsd, "program">, uid: number, guestUid = 1000) => daemon({ program: rust, ...virtiofsd }, { host: { uid, gid: uid }, guestUid }, share).toArgv();
  const begin = ["--socket-path", "/run/s", "--shared-dir", "/a,b", "--sandbox"];

  it("gives the user whatever anybody makes in the guest, and keeps a folder read-only itself", () => {
    expect(argv({ kind: "rust", version: "1.13.2" }, 1000)).toEqual([
      ...begin, "none", "--translate-uid", "squash-guest:0:1000:4294967295", "--translate-gid", "squash-guest:0:1000:4294967295", "--readonly",
    ]);
  });

  it("shows the guest's user as the owner of what is the user's here, where their ids differ", () => {
    expect(argv({ kind: "rust" }, 0)).toEqual([
      ...begin, "namespace", "--translate-uid", "squash-guest:0:0:4294967295", "--translate-uid", "host:0:1000:1",
      "--translate-gid", "squash-guest:0:0:4294967295", "--translate-gid", "host:0:1000:1", "--readonly",
    ]);
  });

  it("gets no flag that an older one does not know", () => {
    expect(argv({ kind: "rust", version: "1.10.0" }, 1000)).toEqual([...begin, "none"]);
    expect(argv({ kind: "c", version: "7.2.22" }, 0)).toEqual(["--socket-path=/run/s", "-o", "source=/a\\,b,sandbox=namespace"]);
  });
});

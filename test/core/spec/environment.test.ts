import { describe, expect, it } from "vitest";
import { environmentLayers, settingNames } from "../../../core/spec/environment.ts";
import { checkSpec } from "../../../core/spec.ts";
import { hostOf } from "../../fixtures/hosts.ts";
import { silentReport } from "../../../core/run.ts";

const layers = (env: Record<string, string>) => environmentLayers({ cwd: "/srv", host: hostOf("linux/amd64", { home: "/home/me" }), env, report: silentReport });
const said = (env: Record<string, string>): object => Object.assign({}, ...layers(env).map(({ spec }) => spec));

describe("settings of the environment", () => {
  it("say what init's flags say, in their units", () => {
    expect(said({
      GLOWPLUG_CPUS: "4", GLOWPLUG_MEMORY: "4096", GLOWPLUG_DISK_SIZE: "20", GLOWPLUG_SWAP: "1GiB", GLOWPLUG_USERNAME: "ada", GLOWPLUG_ROOTFUL: "true", GLOWPLUG_TIMEZONE: "Europe/Rome",
      GLOWPLUG_VOLUME: "$HOME:/mnt/home ./src:/src:ro", GLOWPLUG_PUBLISH: "8080:80\n127.0.0.1:81:81/udp", GLOWPLUG_PLUGIN: "./mine.ts timezone", GLOWPLUG_LAUNCHER: "qemu", GLOWPLUG_FORWARDER: "slirp",
      GLOWPLUG_PROVISIONER: "ignition", GLOWPLUG_USB: "bus=1,devnum=2", GLOWPLUG_IMPORT_NATIVE_CA: "0", GLOWPLUG_PLAYBOOK: "./p.yaml", GLOWPLUG_IGNITION_PATH: "/i.ign",
    })).toEqual({
      cpus: 4, memory: "4096MiB", disk: "20GiB", swap: "1GiB", user: "ada", rootful: true, timezone: "Europe/Rome",
      volumes: ["/home/me:/mnt/home", "/srv/src:/src:ro"], ports: ["8080:80", "127.0.0.1:81:81/udp"], plugins: ["/srv/mine.ts", "timezone"], launcher: "qemu", forwarder: "slirp",
      provisioner: "ignition", usb: ["bus=1,devnum=2"], importNativeCa: false, playbook: "./p.yaml", ignitionPath: "/i.ign",
    });
  });

  it.each<[Record<string, string>, unknown]>([
    [{ GLOWPLUG_IMAGE: "debian-bootstrap" }, "debian-bootstrap"], [{ GLOWPLUG_IMAGE: "testing" }, "fcos:testing"], [{ GLOWPLUG_IMAGE: "./disk.qcow2" }, "/srv/disk.qcow2"],
    [{ GLOWPLUG_IMAGE: "https://x/d.qcow2", GLOWPLUG_IMAGE_DIGEST: "sha256:00" }, ["file", { url: "https://x/d.qcow2", digest: "sha256:00" }]],
  ])("name an image: %j", (env, image) => {
    expect(said(env)).toEqual({ image });
  });

  it("are layers of their own, each under its variable's name", () => {
    expect(layers({ GLOWPLUG_CPUS: "4", GLOWPLUG_MEMORY: "1GiB" }).map(({ source, where }) => [source, where])).toEqual([["environment", "GLOWPLUG_CPUS"], ["environment", "GLOWPLUG_MEMORY"]]);
  });

  it("say nothing where they are empty, unknown or somebody else's", () => {
    expect(layers({ GLOWPLUG_CPUS: "", GLOWPLUG_STORE: "/s", GLOWPLUG_OFFLINE: "1", CPUS: "4" })).toEqual([]);
  });

  it.each([
    ["GLOWPLUG_CPUS", "two", 'GLOWPLUG_CPUS: cpus: expected a whole number of at least 1, found "two"'], ["GLOWPLUG_MEMORY", "4GB", 'GLOWPLUG_MEMORY: memory: expected a size with its unit such as "4GiB", found "4GB"'],
    ["GLOWPLUG_ROOTFUL", "maybe", 'GLOWPLUG_ROOTFUL: rootful: expected true or false, found "maybe"'], ["GLOWPLUG_USB", "stick", expect.stringMatching(/^GLOWPLUG_USB: usb\[0\]: /)],
  ])("are told by their names when they are wrong: %s=%s", (name, word, message) => {
    const [layer] = layers({ [name]: word });
    expect(() => checkSpec(layer?.spec, layer?.where ?? "")).toThrow(expect.objectContaining({ message }));
  });

  it("have the names of the flags", () => {
    expect(settingNames).toContain("GLOWPLUG_DISK_SIZE");
    expect(settingNames.every((name) => /^GLOWPLUG_[A-Z_]+$/.test(name))).toBe(true);
  });
});

import { describe, expect, it } from "vitest";
import { canJoinLan, lanFiles, lanPlace } from "../../core/lan.ts";
import type { MachineRecord } from "../../core/record.ts";
import { plainLauncher } from "../fixtures/plain-plugins.ts";

const record = (name: string, address: string, network = "shop"): MachineRecord => ({ name, lan: { network, mac: "02:00:00:00:00:01", address } }) as MachineRecord;

describe("a machine's place on a shared network", () => {
  it("is made of names, so it stays whoever else is there", () => {
    const place = lanPlace("shop", "web", "/data/web", []);
    expect(place).toEqual({ network: "shop", mac: expect.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/) as string, address: expect.stringMatching(/^198\.18\.\d+\.\d+$/) as string });
    expect(lanPlace("shop", "web", "/data/web", [record("db", "198.18.1.1")])).toEqual(place);
    expect(lanPlace("shop", "db", "/data/db", []).address).not.toBe(place.address);
  });

  it("is none that another machine of the network has", () => {
    const { address } = lanPlace("shop", "web", "/data/web", []);
    const next = lanPlace("shop", "web", "/data/web", [record("db", address)]).address;
    expect(next).not.toBe(address);
    expect(lanPlace("shop", "web", "/data/web", [record("db", address, "another"), record("web", address)]).address).toBe(address);
  });

  it("is never the first or the last of a block", () => {
    const last = Array.from({ length: 3000 }, (_, index) => Number(lanPlace("shop", `m${index}`, "", []).address.split(".")[3]));
    expect(last.filter((number) => number === 0 || number === 255)).toEqual([]);
  });
});

describe("the card of a shared network", () => {
  const able = { ...plainLauncher(), name: "able", abilities: { suspend: false, hotplug: true, lan: true } };
  const unable = { ...plainLauncher(), name: "unable" };

  it("is there where the launcher can, and a network is named", () => {
    expect(canJoinLan({ network: "shop", launcher: able, sources: {} })).toBe(true);
    expect(canJoinLan({ launcher: able, sources: {} })).toBe(false);
  });

  it("is left out where the launcher cannot and nobody asked", () => {
    expect(canJoinLan({ network: "shop", launcher: unable, sources: { network: "default" } })).toBe(false);
  });

  it("is an error where the launcher cannot and the spec asked", () => {
    expect(() => canJoinLan({ network: "shop", launcher: unable, sources: { network: "config" } })).toThrowError(expect.objectContaining({
      code: "slots-mismatch", message: "launcher unable cannot put a machine on the network shop: it has one network card",
    }));
  });

  it("is told to both network managers, by its hardware address and without a route", () => {
    const [networkd, manager] = lanFiles({ network: "shop", mac: "02:aa:00:00:00:01", address: "198.18.3.4" });
    expect(networkd?.content).toBe("[Match]\nMACAddress=02:aa:00:00:00:01\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nAddress=198.18.3.4/16\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n");
    expect(manager).toMatchObject({ mode: 0o600, content: expect.stringContaining("mac-address=02:AA:00:00:00:01\n\n[ipv4]\nmethod=manual\naddress1=198.18.3.4/16\nnever-default=true\n") as string });
  });
});

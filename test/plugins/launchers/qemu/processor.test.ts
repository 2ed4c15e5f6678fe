import { expect, it } from "vitest";
import { processorOf } from "../../../../plugins/launchers/qemu/processor.ts";

it.each([
  [["-cpu", "host"], { model: "host", features: [], isHosts: true }],
  [["-m", "1", "-cpu", "Nehalem,model=54,stepping=1"], { model: "Nehalem", features: [], isHosts: false }],
  [["-cpu", "max,+avx512f,aes=on,-vmx,sse4.1=off"], { model: "max", features: ["avx512f", "aes"], isHosts: false }],
  [["-cpu", "host,migratable=on,+invtsc,pmu=on,kvm=on,hv-relaxed=on,enforce"], { model: "host", features: ["nonstop_tsc"], isHosts: true }],
  [["-cpu", "host", "-cpu", "max"], { model: "max", features: [], isHosts: false }],
  [["-m", "1"], undefined], [["-cpu"], undefined],
] as const)("of %j is %j", (argv, asked) => {
  expect(processorOf(argv)).toEqual(asked);
});

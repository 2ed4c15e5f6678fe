/** What plugin authors test with: `import { contractOf, testMachine } from "glowplug/testing"`. Bound to no test runner. */
export type { ContractCheck } from "./check.ts";
export { contractOf, type ContractRole } from "./contract-of.ts";
export { addonContract, type AddonContractOptions } from "./addon.ts";
export { forwarderContract, type ForwarderContractOptions } from "./forwarder.ts";
export { imageContract, type ImageContractOptions } from "./image.ts";
export { launcherContract, type LauncherContractOptions } from "./launcher.ts";
export { provisionerContract } from "./provisioner.ts";
export type { NamedHost } from "./hosts.ts";
export { hostOf, type HostParts } from "../fixtures/hosts.ts";
export { testMachine, type TestMachine, type TestMachineOptions } from "./test-machine.ts";
export type { FakeBehaviour, FakeCall, FakeGvproxyBehaviour, FakeQemuBehaviour, GuestCommand } from "../fixtures/fakes.ts";

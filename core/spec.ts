/** The user's words made into what the core works with. */
export { checkSpec, readSpec, type ReadSpec } from "./spec/read.ts";
export { resolveSpec, type SpecContext } from "./spec/resolve.ts";
export type { SpecLayer } from "./spec/merge.ts";
export { commandLine, type LineOf, type Mistake } from "./spec/mistakes.ts";
export { saveSpec } from "./spec/save.ts";
export { defaults, type SpecDefaults } from "./spec/defaults.ts";
export { checkName, checkNotReserved, defaultName, nameLimit, namePattern, nameProblem, patternWords } from "./spec/name.ts";
export { parsePorts, portText, type ParsedPorts } from "./spec/ports.ts";
export { parseVolume, type ParsedVolume } from "./spec/volumes.ts";
export { specFieldNames } from "./spec/fields.ts";

export * from "./events.ts";
export { createHooks, type HookOptions, type Hooks } from "./tapable.ts";

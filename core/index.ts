/** The public face: everything that a plugin or a machine script may import. */
export { Command, type CommandEntry, type CommandOptions, type CommandRecord } from "./command.ts";
export { MachineError, isMachineError, type ErrorCode, type MachineErrorOptions } from "./errors.ts";
export { GuestDraft, type Claimed, type GuestMount } from "./guest.ts";
export * from "./model.ts";
export { definePlugin, type Plugin } from "./plugin.ts";
export type * from "./roles/image.ts";
export type * from "./roles/provisioner.ts";
export type * from "./roles/launcher.ts";
export type * from "./roles/forwarder.ts";
export type * from "../hooks/index.ts";
export { defineMachine, type MachineSpec, type ResolvedSpec, type SavedSpec, type NamedPlugin, type ValueSource } from "./spec-types.ts";
export type { Machine, StartOptions, Status } from "./machine.ts";
export type { Plan, PlannedCommand } from "./plan.ts";
export type { MachineRecord, RecordedImage } from "./record.ts";
export { formatSize, parseSize } from "./units.ts";
export { escapePath } from "./systemd.ts";
export { checkVersion, compareVersions, findVersion, installCommand, programVersion, requireProgram, socketPath, type PackageNames } from "./kit.ts";

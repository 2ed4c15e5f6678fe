import { channel } from "node:diagnostics_channel";

/**
 * What a verb and the keeper have just done, in words of their own: after each of these the world is another one. They are published on
 * Node's diagnostics channel "glowplug:step" as { name }, for tests that end a process there; where nobody listens nothing happens.
 */
export const steps = [
  // init
  "init.locked", "init.port", "init.located", "init.image", "init.marked", "init.disk", "init.seed", "init.keys", "init.registering", "init.registered", "init.record", "init.done",
  // an image on its way into the store
  "image.incoming", "image.arrived", "image.placed", "image.used",
  // start
  "start.locked", "start.swept", "start.ports", "start.disk", "start.files", "start.plan", "start.keeper", "start.up", "start.record", "start.mounted", "start.done",
  // the keeper
  "keeper.listening", "keeper.known", "keeper.asked", "keeper.spawned", "keeper.noted", "keeper.helpers", "keeper.monitor", "keeper.life", "keeper.ready", "keeper.ssh", "keeper.probe",
  "keeper.up", "keeper.port", "keeper.plugged", "keeper.unplugged", "keeper.stopping", "keeper.guest-down", "keeper.vm-down", "keeper.sockets-down", "keeper.down", "keeper.folder",
  // taking over a machine whose keeper was lost
  "adopt.plan", "adopt.keeper", "adopt.done",
  // stop
  "stop.hooks", "stop.asked", "stop.locked", "stop.swept",
  // rm
  "rm.locked", "rm.marked", "rm.gone", "rm.undone", "rm.files",
  // set
  "set.locked", "set.disk", "set.record",
  // port add
  "port.checked", "port.opened",
  // cp
  "cp.connected", "cp.begun", "cp.file", "cp.done",
] as const;
export type Step = (typeof steps)[number];

const published = channel("glowplug:step");

/** Tells that a step was taken. */
export function step(name: Step): void {
  if (published.hasSubscribers) published.publish({ name });
}

#!/usr/bin/env glowplug
// As little as a machine can say: two processors. All the rest is default: Fedora CoreOS, QEMU, the best network there is, podman.
//   glowplug up ./only-cpus.ts
import { defineMachine } from "glowplug";

export default defineMachine({ cpus: 2 });

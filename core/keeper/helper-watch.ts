import type { Watch } from "./watch.ts";

/** A forwarder or helper that ends is a problem of the machine. */
export const watchHelpers: Watch = ({ children, problems }) =>
  children.onEnd(({ role, name }, how) => {
    if (role !== "vm") problems.set(name, `${name} ${how}`);
  });

import { messageOf } from "../errors.ts";
import { within } from "../limit.ts";
import { again, pause } from "./again.ts";
import { checkReadyLine } from "./ready.ts";
import type { Watch } from "./watch.ts";

/** By then a guest that has reset has no connection any more. */
const downMs = 5000;

/** A guest that reboots is not at its end: the machine is degraded until it is ready again. */
export const watchReboots: Watch = ({ plan: { deadlines, name, readyByLogin }, control, ready, connections, problems, journal }) => {
  const over = new AbortController();
  let boots = 0;
  const begun = async (): Promise<void> => {
    const boot = ++boots;
    // QEMU tells of one reboot several times.
    if (!problems.has("reboot")) journal.say("state", { state: "rebooting" });
    problems.set("reboot", "the guest is rebooting");
    // Of a guest that sends no line, a login tells that it is up; the old connection must have broken before.
    if (readyByLogin) return void pause(downMs, over.signal).then(() => done("Ready"));
    await pause(deadlines.readyMs, over.signal);
    if (boot === boots && !over.signal.aborted) problems.set("reboot", `the guest rebooted, and was not ready again within ${deadlines.readyMs / 1000} s; \`glowplug logs ${name} serial\` shows its console`);
  };
  const done = async (line: string): Promise<void> => {
    boots += 1;
    try {
      checkReadyLine(line);
      await again(() => connections.as(), within(deadlines.sshMs, over.signal), () => false);
      problems.clear("reboot");
      journal.say("state", { state: "running" });
    } catch (error) {
      if (!over.signal.aborted) problems.set("reboot", `the guest rebooted: ${messageOf(error)}`);
    }
  };
  const offs = [
    control.onEvent(({ event, data }) => {
      if (event === "RESET" && data?.["guest"] === true) void begun();
    }),
    ready.onAgain((line) => void done(line)),
  ];
  return () => {
    for (const off of offs) off();
    over.abort();
  };
};

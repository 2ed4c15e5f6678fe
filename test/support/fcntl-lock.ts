import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";

/** Locks a file with fcntl(2) in another process, as podman does; struct flock as Linux has it on 64 bits. */
const holder = `
use Fcntl; $| = 1;
open(my $file, "+>>", $ARGV[0]) or die $!;
my $lock = pack("s! s! x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
fcntl($file, F_SETLKW, $lock) or die $!;
print "held\\n";
<STDIN>;
`;

export interface ForeignLock {
  /** Lets go, and resolves when the process has ended. */
  release(): Promise<void>;
}

/** Resolves when the lock is held. */
export async function holdFcntlLock(path: string): Promise<ForeignLock> {
  const child = spawn("perl", ["-e", holder, path], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const said = await Promise.race([once(child.stdout, "data"), ended]);
  expect(String(said[0])).toBe("held\n");
  return {
    release: async () => {
      child.stdin.end();
      expect((await ended)[0]).toBe(0);
    },
  };
}

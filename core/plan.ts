import type { CommandEntry } from "./command.ts";
import type { PlannedFile, ResolvedPort, SocketForward } from "./model.ts";
import type { Accelerator } from "./roles/launcher.ts";
import type { LocatedImage } from "./roles/image.ts";

/** A command as the plan shows it: each flag with the plugin that put it there. */
export interface PlannedCommand {
  readonly name: string;
  readonly program: string;
  readonly entries: readonly CommandEntry[];
  /** The whole line, quoted for a shell. */
  readonly line: string;
}

/** Everything that the next start would do, and init before it where the machine does not exist yet. */
export interface Plan {
  readonly name: string;
  readonly script?: string;
  /** Whether init has been done. Until then keys, ports and paths that do not exist yet are placeholders like "<ssh-key>". */
  readonly exists: boolean;
  readonly host: { readonly os: string; readonly arch: string };
  readonly slots: { readonly image: string; readonly provisioner: string; readonly launcher: string; readonly forwarder: string };
  readonly plugins: readonly string[];
  /** Absent once the disk is made. */
  readonly image?: LocatedImage;
  readonly build?: { readonly files: readonly string[]; readonly commands: readonly PlannedCommand[] };
  readonly firstBoot: { readonly kind: string; readonly text: string; readonly parts: readonly { readonly what: string; readonly by?: string }[] };
  readonly accelerators: readonly Accelerator[];
  readonly vm: PlannedCommand;
  readonly helpers: readonly PlannedCommand[];
  readonly forwarder?: PlannedCommand;
  readonly files: readonly PlannedFile[];
  readonly ssh: { readonly host: string; readonly port: number | string };
  readonly ports: readonly ResolvedPort[];
  readonly sockets: readonly SocketForward[];
  readonly notes: readonly string[];
}

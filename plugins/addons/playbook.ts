import { readFileSync } from "node:fs";
import { checkOptions, execAsRoot, MachineError, type MachineInfo, type Plugin } from "glowplug";

export interface PlaybookOptions {
  /** Absolute path of the playbook on the host. It is one file: roles and included files do not come along. */
  readonly playbook: string;
}

const folder = "/var/lib/glowplug";
const unit = "glowplug-playbook.service";

/**
 * Runs an Ansible playbook in the guest, once, by the guest's own ansible-playbook and as its login user, when the first start is
 * done with everything else: volumes, names, proxies and certificates are there. `start` does not wait for it.
 */
export default function playbook(options: PlaybookOptions): Plugin {
  checkOptions("playbook", options, ["playbook"]);
  return {
    name: "playbook",

    ignition({ guest, machine }) {
      guest.file({ path: pathOf(machine), content: read(options.playbook), ...(machine.user !== "root" && { user: machine.user, group: machine.user }) });
      guest.unit({ name: unit, content: unitText(machine), enabled: false });
    },

    async afterStart({ ssh, machine, signal, log }) {
      const { exitCode, stdout, stderr } = await execAsRoot(ssh, machine.user, ["/bin/sh", "-c", begin], { signal });
      const said = stdout.trim();
      if (exitCode !== 0) throw new MachineError("ssh", `the playbook was not started: ${stderr.trim().split("\n").at(-1) || `exit status ${exitCode}`}`, { plugin: "playbook", stage: "afterStart" });
      if (said === "started") log(`the playbook runs in the guest: glowplug ssh ${machine.name} journalctl -u ${unit}`);
      if (said === "waits") log("the playbook still waits for ansible-playbook in the guest");
      if (said === "missing") {
        throw new MachineError("not-found", "the guest has no ansible-playbook: the playbook was not run", {
          plugin: "playbook", stage: "afterStart", hint: 'With `packages: ["ansible-core"]` first boot installs it (Debian calls it "ansible"). In this machine: install it, and the next start runs the playbook.',
        });
      }
    },
  };
}

function pathOf({ user }: MachineInfo): string {
  return user === "root" ? "/root/playbook.yaml" : `/home/${user}/playbook.yaml`;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new MachineError("not-found", `cannot read the playbook ${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { plugin: "playbook", cause, hint: "A playbook is a file of this host." });
  }
}

/** Once, also where it fails: a playbook that began may have done half of its work. */
function unitText({ user }: MachineInfo): string {
  return `[Unit]
Description=Ansible playbook of the first boot
ConditionPathExists=!${folder}/playbook.done
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User=${user}
WorkingDirectory=~
ExecStartPre=+/bin/sh -c ': > ${folder}/playbook.done'
ExecStart=ansible-playbook playbook.yaml
StandardOutput=journal+console
`;
}

const begin = `cd ${folder} || exit 1
[ -e playbook.done ] && exit 0
if command -v ansible-playbook > /dev/null; then systemctl start --no-block ${unit} && echo started
elif [ -e playbook.missing ]; then echo waits
else : > playbook.missing; echo missing
fi`;

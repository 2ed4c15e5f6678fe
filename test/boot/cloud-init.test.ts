import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesBelow, processesOf, run, World } from "../support/world.ts";

/** What only neutral words are in, with what can go wrong in each language: links and files in the way, users' files, settings of units that run. */
const script = `import { defineMachine } from "glowplug";
export default defineMachine({
  cpus: 2, memory: "1GiB", disk: "6GiB", user: "core", timezone: "Europe/Rome", packages: ["sudo"],
  files: [
    { path: "/etc/motto", content: "100% 'quoted' \\"$HOME\\" \\\\ \\t é: # %\\n\\n  no line break at the end", mode: 0o640 },
    { path: "/etc/issue", content: "in place of Debian's\\n" },
    { path: "/etc/resolv.conf", content: "# in place of a link\\n" },
    { path: "/srv/once", content: "new\\n", overwrite: false },
    { path: "/opt/deep/down/of-core", content: "core's\\n", mode: 0o600, user: "core", group: "adm" },
    { path: "/home/core/.config/web/own.conf", content: "x=1\\n", user: "core" },
  ],
  units: [
    { name: "answer.service", content: "[Service]\\nUser=core\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n" },
    { name: "static.service", content: "[Service]\\nExecStart=/bin/true\\n" },
    { name: "rare.service", content: "[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=sleep.target\\n" },
    { name: "no-such.service", enabled: true },
    { name: "fstrim.timer", enabled: true },
    { name: "podman-restart.service", mask: true },
    { name: "ssh.service", dropins: [{ name: "50-nice.conf", content: "[Service]\\nNice=-3\\n" }] },
  ],
  run: ["echo ran >> /var/lib/ran", "id -un >> /var/lib/ran"],
  ignition({ guest }) {
    guest.user({ name: "ada", uid: 1234, groups: ["adm", "sudo"], shell: "/bin/bash", authorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDY7kDHNrVgkWtqHQl4nEnYyNnZBvp9hK5qzY9lUg9gK ada"] });
    guest.folder({ path: "/srv/shared", mode: 0o2770, user: "core", group: "ada" }).link({ path: "/etc/shared", target: "/srv/shared" });
  },
});
`;

const paths = ["/etc/motto", "/etc/issue", "/etc/resolv.conf", "/srv/once", "/opt/deep", "/opt/deep/down/of-core", "/home/core", "/home/core/.config", "/home/core/.config/web", "/home/core/.config/web/own.conf",
  "/home/ada", "/home/core/.ssh", "/root/.ssh", "/srv/shared", "/etc/shared", "/etc/localtime", "/etc/hostname", "/etc/subuid", "/etc/subgid", "/etc/sudoers.d/90-glowplug", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub",
  "/home/core/.config/containers/containers.conf", "/var/lib/systemd/linger/core"];
const units = ["answer", "static", "rare", "no-such", "podman-restart", "ssh", "fstrim.timer", "podman.socket", "glowplug-first-boot", "glowplug-ready", "user@1000"];

/** What there is to know of a guest, each by a shell line of its own. */
const questions: Readonly<Record<string, string>> = {
  users: "getent passwd root core ada; for name in root core ada; do id $name; done; sudo getent shadow core ada | cut -d: -f1,2",
  keys: "for home in /root /home/core /home/ada; do echo $home; sudo sh -c \"cat $home/.ssh/authorized_keys $home/.ssh/authorized_keys.d/ignition 2> /dev/null\" | sed '/^$/d'; done",
  files: `sudo stat -c '%n %F %a %U:%G %N' ${paths.join(" ")}`,
  contents: `for path in ${paths.join(" ")}; do echo "== $path"; sudo test -d $path || sudo cat $path; done`,
  units: `for unit in ${units.join(" ")}; do echo $unit $(systemctl is-enabled $unit 2> /dev/null) $(systemctl is-active $unit); done; systemctl --failed --no-legend --plain`,
  settings: "systemctl show -p Nice ssh; ps -o ni= -p $(systemctl show -p MainPID --value ssh); ps -o user= -p $(systemctl show -p MainPID --value answer)",
  names: "hostname; cat /etc/hostname; date +%Z; timedatectl show -p Timezone",
  sudo: "sudo -n id -un; sudo -n -l -U ada | grep -c 'NOPASSWD: ALL'",
  ran: "sudo cat /var/lib/ran; sudo ls /var/lib/glowplug/done",
  hostKeys: "ls /etc/ssh/ssh_host_*",
  podman: "podman info --format '{{.Host.Security.Rootless}} {{.Host.NetworkBackend}}'; cat /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers",
};

/** One script of neutral words under both first-boot languages, on guests that are built of the same packages. */
describe("a script without a word of its image's language", () => {
  let world: World;
  const facts: Record<string, Record<string, string>> = {};
  const ask = async (command: string): Promise<string> => (await world.glowplug("ssh", "same", command)).stdout;
  /** The answers to all questions, in one login. */
  const answers = async (): Promise<Record<string, string>> => {
    const text = await ask(Object.entries(questions).map(([name, command]) => `echo '=== ${name}'\n${command}`).join("\n"));
    return Object.fromEntries(text.split(/^=== /m).slice(1).map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)]));
  };
  const up = (...argv: string[]): Promise<string> => world.ok("up", "./same.ts", ...argv);

  beforeAll(async () => {
    world = new World();
    world.write("same.ts", script);
    await up("--image", "debian-bootstrap", "--forwarder", "gvproxy");
    facts["ignition"] = await answers();
    await world.ok("rm", "--force", "same");
    await up("--image", "debian-bootstrap:cloud-init", "--forwarder", "gvproxy");
    facts["cloud-init"] = await answers();
  });
  afterAll(() => world.close());

  it("has said what it should under Ignition", () => {
    expect(facts["ignition"]).toMatchObject({
      sudo: "root\n0\n", ran: "ran\nroot\n000\n001\n002\n003\n004\n", hostKeys: "/etc/ssh/ssh_host_ed25519_key\n/etc/ssh/ssh_host_ed25519_key.pub\n", names: expect.stringMatching(/^same\nsame\nCES?T\nTimezone=Europe\/Rome\n$/) as string,
      settings: "Nice=-3\n -3\ncore\n", podman: expect.stringMatching(/^true netavark\n.*\bcpu\b/) as string,
    });
  });

  it.each(Object.keys(questions))("makes the same %s under cloud-init", (name) => {
    const [one, other] = [facts["ignition"]?.[name] ?? "", facts["cloud-init"]?.[name] ?? ""];
    expect(one).not.toBe("");
    expect(withoutKeys(other)).toBe(withoutKeys(one));
  });

  it("leaves cloud-init content", async () => {
    expect(await ask("cloud-init status; sudo grep -E 'WARNING|ERROR|Traceback' /var/log/cloud-init.log; ls -d /var/lib/glowplug/applied; ls -d /var/lib/glowplug/cloud-init 2> /dev/null")).toBe("status: done\n/var/lib/glowplug/applied\n");
  });

  it("lets OpenSSH in with host-key checking on", async () => {
    const config = (await world.ok("ssh-config", "same", "--path")).trim();
    expect(await run("ssh", ["-F", config, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "same", "id -un"], { env: world.env })).toMatchObject({ code: 0, stdout: "core\n" });
  });

  it("has a file system as large as the disk", async () => {
    expect(Number(await ask("df --output=size -B1 / | tail -1"))).toBeGreaterThan(5.5 * 2 ** 30);
  });

  it("hands the seed over as a disk that only root reads", async () => {
    expect(await ask("lsblk -n -o LABEL,FSTYPE,RO /dev/vdb; cat /dev/vdb > /dev/null 2>&1 || echo refused")).toBe("CIDATA iso9660  1\nrefused\n");
  });

  it("boots again without a first boot, behind another forwarder, with a larger disk", async () => {
    await ask("echo mine | sudo tee /etc/motto /srv/once /home/core/.config/web/own.conf; sudo rm /etc/issue; sudo systemctl -q disable answer; sudo userdel -r ada");
    await world.ok("stop", "same");
    await up("--image", "debian-bootstrap:cloud-init", "--forwarder", "slirp", "--disk-size", "8");
    expect(await ask("sudo cat /etc/motto /srv/once /home/core/.config/web/own.conf; ls /etc/issue 2>&1; systemctl is-enabled answer; id ada 2>&1; sudo cat /var/lib/ran")).toBe(
      "mine\nmine\nmine\nls: cannot access '/etc/issue': No such file or directory\ndisabled\nid: 'ada': no such user\nran\nroot\n".replace("'ada'", "\u2018ada\u2019"));
    expect(await ask("systemctl --failed --no-legend --plain; cloud-init status; sudo grep -E 'WARNING|ERROR|Traceback' /var/log/cloud-init.log; hostname")).toBe("status: done\nsame\n");
    expect(Number(await ask("df --output=size -B1 / | tail -1"))).toBeGreaterThan(7.5 * 2 ** 30);
    expect((await ask("ls /etc/ssh/ssh_host_*")).split("\n")).toHaveLength(3);
  });

  it("is gone without a trace", async () => {
    await world.ok("rm", "--force", "same");
    expect([...processesOf(world.folder), ...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([]);
  });
});

/** Keys are made anew for each machine. */
function withoutKeys(text: string): string {
  return text.replaceAll(/ssh-ed25519 [\w+/=]+/g, "ssh-ed25519 KEY").replaceAll(/-----BEGIN[^]*?-----END/g, "PRIVATE KEY");
}

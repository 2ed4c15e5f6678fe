import { checkOptions, syncGuestFiles, type HostFacts, type Plugin, type SyncedPath } from "glowplug";

/** Where programs of the guest find variables: services of the system and of users, user sessions, login shells. */
const places: readonly { readonly path: string; readonly render: (variables: readonly Variable[]) => string }[] = [
  { path: "/etc/systemd/system.conf.d/90-glowplug-proxy.conf", render: managerText },
  { path: "/etc/systemd/user.conf.d/90-glowplug-proxy.conf", render: managerText },
  { path: "/etc/environment.d/90-glowplug-proxy.conf", render: (variables) => variables.map(({ name, value }) => `${name}=${value}\n`).join("") },
  { path: "/etc/profile.d/glowplug-proxy.sh", render: (variables) => variables.map(({ name, value }) => `export ${name}='${value}'\n`).join("") },
];
interface Variable {
  readonly name: string;
  readonly value: string;
}

/**
 * Hands the host's proxies (http_proxy, https_proxy, ftp_proxy, all_proxy, no_proxy, in either case) on to the guest: those of the
 * moment, at each start. A proxy on the host's loopback is one at host.containers.internal for the guest. First boot has them too,
 * for its packages, but for those with a password: its config is shown in plans.
 */
export default function proxy(options: Readonly<Record<string, never>> = {}): Plugin {
  checkOptions("proxy", options, []);
  return {
    name: "proxy",

    ignition({ guest, host }) {
      const open = variablesOf(host).filter(({ value }) => !value.includes("@"));
      if (open.length > 0) for (const { path, render } of places) guest.file({ path, content: render(open) });
    },

    async afterStart(event) {
      const { machine, host, log } = event;
      const variables = variablesOf(host);
      const paths = places.map(({ path, render }): SyncedPath => (variables.length > 0 ? { path, content: render(variables) } : { path, absent: true }));
      if (!(await syncGuestFiles(event, paths, { plugin: "proxy", onChange: reload(machine) }))) return;
      // Names alone: a value may hold a password.
      log(variables.length > 0 ? `the guest has the host's ${variables.map(({ name }) => name).join(", ")}` : "the guest goes through no proxy any more");
    },
  };
}

/** Known in the guest and in its containers, whatever the forwarder. */
const hostName = "host.containers.internal";

function variablesOf({ env }: HostFacts): readonly Variable[] {
  return Object.entries(env).flatMap(([name, value]) => (/^(https?|ftp|all|no)_proxy$/i.test(name) && value ? [{ name, value: forGuest(name, value) }] : []))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Without characters that a shell, systemd or environment.d would take for their own: an address can write them as %XX. */
function forGuest(name: string, value: string): string {
  const special = /["'`$\\\s\p{Cc}]/gu;
  if (/^no_proxy$/i.test(name)) return value.replaceAll(special, "");
  return value.trim().replaceAll(special, encode).replace(/^([a-z][a-z0-9+.-]*:\/\/)?([^/]*@)?(?:localhost|127(?:\.\d+){3}|\[::1\])(?=[:/]|$)/i, (_, scheme = "", login = "") => `${scheme}${login}${hostName}`);
}

/** encodeURIComponent leaves the apostrophe. */
function encode(character: string): string {
  return character === "'" ? "%27" : encodeURIComponent(character);
}

/** A percent sign begins a specifier (systemd-system.conf(5)). */
function managerText(variables: readonly Variable[]): string {
  return `[Manager]\nDefaultEnvironment=${variables.map(({ name, value }) => `"${name}=${value.replaceAll("%", "%%")}"`).join(" ")}\n`;
}

/** Services that start from now on have the variables; podman's starts anew with the next request. */
function reload({ user, uid }: { readonly user: string; readonly uid: number }): string {
  const own = user === "root" ? "" : `for job in "daemon-reload" "stop podman.service"; do XDG_RUNTIME_DIR=/run/user/${uid} runuser -u ${user} -- systemctl --user $job || :; done`;
  return `command -v systemctl > /dev/null || return 0\nsystemctl daemon-reload\nsystemctl stop podman.service || :\n${own}`;
}

import { checkOptions, MachineError, syncGuestFiles, type Plugin, type SyncedPath } from "glowplug";

export interface TimezoneOptions {
  /** IANA name: "Europe/Rome". Default: the host's zone, looked at anew at each start. */
  readonly zone?: string;
}

/** Keeps the guest's time zone as the host's: a machine that travels along is brought up to date at each start. */
export default function timezone(options: TimezoneOptions = {}): Plugin {
  checkOptions("timezone", options, ["zone"]);
  if (options.zone !== undefined) checkZone(options.zone);
  return {
    name: "timezone",

    async afterStart(event) {
      const zone = options.zone ?? event.host.timezone;
      // Debian has the name in a second place.
      const paths: SyncedPath[] = [{ path: "/etc/localtime", link: `../usr/share/zoneinfo/${zone}` }, { path: "/etc/timezone", content: `${zone}\n`, ifThere: true }];
      const changed = await syncGuestFiles(event, paths, { plugin: "timezone", hint: 'Where the guest has no time zones, `packages: ["tzdata"]` in the spec installs them.' });
      if (changed) event.log(`the guest's time zone is ${zone} now`);
    },
  };
}

/** A word that can only be a file below zoneinfo. */
function checkZone(zone: string): void {
  if (/^[A-Za-z][\w+-]*(\/[A-Za-z][\w+-]*)*$/.test(zone)) return;
  throw new MachineError("bad-spec", `timezone: expected a name such as "Europe/Rome", found ${JSON.stringify(zone)}`, { plugin: "timezone", hint: "`timedatectl list-timezones` lists them." });
}

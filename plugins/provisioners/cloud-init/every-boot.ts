import { guestFolder, guestScripts, readyUnit } from "glowplug";
import { laidFolder } from "./functions.ts";

/** cloud-init runs what lies in this folder at the end of each boot, whatever the guest's init system is. */
export const everyBootPath = "/var/lib/cloud/scripts/per-boot/50-glowplug";
/** There once a first boot has ended well. */
export const applied = `${guestFolder}/applied`;

/**
 * Ends every boot. A first boot that was cut off, or whose \`apply\` failed, is ended by the next: cloud-init itself does
 * everything once, whether it was done or not. A guest without systemd does the work of our units here.
 */
export const everyBoot = `#!/bin/sh
status=0
if [ ! -e ${applied} ]; then
  rm -f ${guestScripts.failed}
  sh ${laidFolder}/apply > ${laidFolder}/log 2>&1 || status=$?
  cat ${laidFolder}/log
  if [ "$status" -eq 0 ]; then
    : > ${applied}
    rm -rf ${laidFolder}
  else
    printf 'first boot: %s\\n' "$(tail -n 1 ${laidFolder}/log)" > ${guestScripts.failed}
  fi
fi
if [ ! -d /run/systemd/system ]; then
  if [ "$status" -eq 0 ] && [ -e ${guestScripts.firstBoot} ]; then sh ${guestScripts.firstBoot} || status=$?; fi
  sh ${guestScripts.ready}
elif [ "$status" -ne 0 ]; then
  systemctl daemon-reload
  systemctl --no-block start ${readyUnit}
fi
exit "$status"
`;

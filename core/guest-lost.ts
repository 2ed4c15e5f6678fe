import { quote } from "./command.ts";

/**
 * Where the guest keeps a volume whose device has nothing behind it any more. Whoever unmounts such a file system waits for an answer that
 * never comes, with a lock that all volumes share (virtio_fs_drain_all_queues in fs/fuse/virtio_fs.c of Linux), and virtiofs has no switch to
 * abort it. So it stays mounted here: below /dev neither systemd nor OpenRC unmounts anything when the guest goes down.
 */
export const lostFolder = "/dev/glowplug-lost";

/**
 * Shell text by which root finds out whether nobody waits for a FUSE file system: exit status 0. Linux takes a device away only when
 * nobody does, and whoever asks it to before waits too. A program waits that is met there each time of several.
 */
export const nobodyWaits = `met() {
  { grep -ls fuse /proc/[0-9]*/task/[0-9]*/stack; grep -ls request_wait_answer /proc/[0-9]*/task/[0-9]*/wchan; } | tr '\\n' ' '
}
waiting=$(met)
for look in 1 2 3; do
  [ -n "$waiting" ] || exit 0
  sleep 0.3
  now=" $(met)"
  still=
  for one in $waiting; do
    case $now in *" $one "*) still="$still $one" ;; esac
  done
  waiting=$still
done
[ -z "$waiting" ]`;

/** Shell text by which root forgets a lost volume, once its device is gone: then nothing waits any more. */
export function forgetScript(tag: string): string {
  const folder = quote(`${lostFolder}/${tag}`);
  return `umount -l ${folder} && rmdir ${folder}`;
}

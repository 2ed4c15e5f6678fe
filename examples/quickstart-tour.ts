#!/usr/bin/env glowplug
// What one does with a machine once it is up: `npm run quickstart` runs this after `glowplug up examples/quickstart.ts`.
import { openMachine } from "glowplug";

const port = 18080;
const machine = await openMachine("quickstart");

/** Runs a line in the guest; what it prints is shown only when it fails. */
async function guest(line: string): Promise<void> {
  const result = await machine.exec(line);
  if (result.exitCode !== 0) throw new Error(`in the guest, \`${line}\` ended with ${result.exitCode}:\n${result.stdout}${result.stderr}`);
}

console.log("building a container image in the machine ...");
await guest("mkdir -p ~/hello/www && cd ~/hello && echo 'Hello from a container in a glowplug machine.' > www/index.html");
// busybox is in the guest that is built here; elsewhere a registry is asked for it.
await guest(`cd ~/hello && if [ -x /bin/busybox ]; then cp -f /bin/busybox . && printf 'FROM scratch\\nCOPY busybox /bin/busybox\\nCOPY www /www\\n' > Containerfile;
  else printf 'FROM docker.io/library/busybox\\nCOPY www /www\\n' > Containerfile; fi`);
await guest("podman build -q -t hello ~/hello");
console.log("running it with a published port ...");
await guest(`podman run -d --replace --name hello -p 127.0.0.1:${port}:80 hello /bin/busybox httpd -f -p 80 -h /www`);

// Under gvproxy podman opens the port on the host by itself; under another forwarder it is asked for here.
const { record, keeper } = await machine.status();
if (record?.spec.forwarder !== "gvproxy" && !keeper?.ports.some(({ hostPort }) => hostPort === port)) {
  await machine.forward({ hostPort: port, guestPort: port });
}
const page = await fetch(`http://127.0.0.1:${port}/`);
console.log(`http://127.0.0.1:${port}/ answers ${page.status}: ${(await page.text()).trim()}`);
if (page.status !== 200) process.exitCode = 1;

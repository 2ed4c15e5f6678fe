#!/usr/bin/env glowplug
// What one does with a machine once it is up: `npm run quickstart` runs this after `glowplug up examples/quickstart.ts`.
import { createServer } from "node:net";
import { openMachine } from "glowplug";

const machine = await openMachine("quickstart");
const page = await fetch(`http://${(await runningAddress()) ?? (await runContainer())}/`);
console.log(`${page.url} answers ${page.status}: ${(await page.text()).trim()}`);
if (page.status === 200) {
  console.log(`
To go on (glowplug is \`node dist/glowplug.js\` in this folder, or the command after \`npm install --global .\`):
  glowplug ssh quickstart             a shell in the machine
  glowplug inspect quickstart         everything about it; podman's API socket is ConnectionInfo.PodmanSocket
  glowplug plan examples/quickstart.ts
  glowplug stop quickstart
  glowplug rm --force quickstart`);
} else process.exitCode = 1;

/** Where the container of an earlier run is published. */
async function runningAddress(): Promise<string | undefined> {
  const { exitCode, stdout } = await machine.exec(["podman", "port", "hello", "80/tcp"]);
  return exitCode === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

async function runContainer(): Promise<string> {
  const port = await freePort(18080);
  console.log("building a container image in the machine ...");
  await guest("mkdir -p ~/hello/www && echo 'Hello from a container in a glowplug machine.' > ~/hello/www/index.html");
  // busybox is in the guest that is built here; elsewhere a registry is asked for it.
  await guest(`cd ~/hello && if [ -x /bin/busybox ]; then cp -f /bin/busybox . && printf 'FROM scratch\\nCOPY busybox /bin/busybox\\nCOPY www /www\\n' > Containerfile;
    else printf 'FROM docker.io/library/busybox\\nCOPY www /www\\n' > Containerfile; fi`);
  await guest("podman build -q -t hello ~/hello");
  console.log("running it with a published port ...");
  await guest(`podman run -d --replace --name hello -p 127.0.0.1:${port}:80 hello /bin/busybox httpd -f -p 80 -h /www`);
  // Under gvproxy podman opens the port on the host by itself; under another forwarder it is asked for here.
  if ((await machine.status()).record?.spec.forwarder !== "gvproxy") await machine.forward({ hostPort: port, guestPort: port });
  return `127.0.0.1:${port}`;
}

/** Runs a line in the guest; what it prints is shown only when it fails. */
async function guest(line: string): Promise<void> {
  const result = await machine.exec(line);
  if (result.exitCode !== 0) throw new Error(`in the guest, \`${line}\` ended with ${result.exitCode}:\n${result.stdout}${result.stderr}`);
}

/** The first port of the host from here on that nobody holds. */
async function freePort(from: number): Promise<number> {
  const isFree = await new Promise<boolean>((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(from, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return isFree ? from : freePort(from + 1);
}

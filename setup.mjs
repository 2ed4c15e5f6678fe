#!/usr/bin/env node
// Plain Node without packages: makes everything ready that `npm run quickstart` and `npm test` need, then does them.
// Written so that an old Node still gets as far as the message.
var version = process.versions.node.split(".").map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  console.error("setup: Node.js 20.19 or newer is needed, this is " + process.versions.node + " (" + process.execPath + ")");
  process.exit(1);
}
import("./setup/main.mjs").then(function (setup) {
  return setup.main(process.argv.slice(2));
}).then(
  function (status) {
    process.exitCode = status;
  },
  function (error) {
    console.error("setup: " + (error && error.message ? error.message : error));
    process.exitCode = 1;
  },
);

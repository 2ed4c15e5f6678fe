/** The side of the keeper's socket that the command line and scripts use. */
export { askKeeper, openStream, type KeeperStream } from "./connect.ts";
export { execOverKeeper, keeperShell, type CommandControl, type CommandIo, type ExecRequest } from "./exec.ts";

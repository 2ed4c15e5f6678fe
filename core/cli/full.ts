import { dispatch } from "./dispatch.ts";
import { runProcess } from "./program.ts";

/** The program with every verb. */
await runProcess(dispatch);

import { runLine } from "./command-line.ts";
import { isLight, lightVerbs } from "./light-verbs.ts";
import { runProcess } from "./program.ts";

/** The program: `glowplug VERB ...`. The build makes one file of all that the light verbs need; the other verbs are beside it. */
if (isLight(process.argv.slice(2))) await runProcess((argv, shell) => runLine(lightVerbs, argv, shell));
else await import("./full.ts");

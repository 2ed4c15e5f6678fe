import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[VERB]",
  flags: {},
  run: ({ words: [verb], dispatch }) => dispatch(verb === undefined ? ["--help"] : [verb, "--help"]),
});

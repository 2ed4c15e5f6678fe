/** What a terminal obeys instead of showing it: control characters, and those that turn the order of letters around. Tab and line feed are none. */
// eslint-disable-next-line no-control-regex
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text that others may have written (a guest, a publisher, a server), as it is printed: nothing in it moves the cursor, colours, clears,
 * or speaks to the terminal. Control characters stand as JSON writes them, "\u001b", so that a line of JSON stays one.
 */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(obeyed, escapeOf);
}

/** The same for a text that is to stay in its line or its cell. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll(/[\n\t]/g, escapeOf);
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** How columns are laid out; the defaults are those of podman's tables. */
export interface TableLayout {
  /** Least width of a column, its padding included. Default: 12. */
  readonly least?: number;
  /** Spaces after the longest cell. Default: 2. */
  readonly padding?: number;
}

/**
 * Aligns text whose cells end in tabs, by the rules of Go's text/tabwriter: a column is as wide as its widest cell in
 * neighbouring lines, and what follows a line's last tab is in no column.
 */
export function alignTabs(text: string, { least = 12, padding = 2 }: TableLayout = {}): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map((cells) => cells.map(() => 0));
  const columns = Math.max(0, ...lines.map((cells) => cells.length - 1));
  for (let column = 0; column < columns; column += 1) {
    for (let first = 0; first < lines.length; ) {
      let end = first;
      let width = 0;
      for (; end < lines.length && (lines[end]?.length ?? 0) - 1 > column; end += 1) {
        width = Math.max(width, displayWidth(lines[end]?.[column] ?? "") + padding, least);
      }
      for (let line = first; line < end; line += 1) {
        const row = widths[line];
        if (row) row[column] = width;
      }
      first = Math.max(end, first + 1);
    }
  }
  return lines.map((cells, line) => cells.map((cell, column) => padTo(cell, widths[line]?.[column] ?? 0)).join("")).join("\n");
}

function padTo(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - displayWidth(cell)));
}

/** Characters, not UTF-16 halves, and without colour sequences. */
export function displayWidth(cell: string): number {
  // eslint-disable-next-line no-control-regex
  return [...cell.replace(/\u001b\[[0-9;]*m/g, "")].length;
}

const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** A zone to print times in: minutes east of UTC, and its abbreviation. */
export interface Zone {
  readonly offset: number;
  readonly name: string;
}

/** The zone of this process at a moment. */
export function localZone(at: Date): Zone {
  const name = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(at).find((part) => part.type === "timeZoneName")?.value;
  return { offset: -at.getTimezoneOffset(), name: name ?? "" };
}

/** The layout in which Go's time.Time.String() prints. */
export const goDefaultLayout = "2006-01-02 15:04:05.999999999 -0700 MST";

// Go's reference time is Mon Jan 2 15:04:05 MST 2006; longer words come before their beginnings (pkg.go.dev/time#Layout).
const tokens = /2006|January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000|-07:00|-0700|-07|[.,](?:0+|9+)(?!\d)|002|__2|_2006|_2|01|02|03|04|05|06|15|PM|pm|1|2|3|4|5/g;

/** A time in a Go layout, as `time.Time.Format` prints it. */
export function formatGoTime(time: Date, layout: string, zone: Zone = localZone(time)): string {
  const at = new Date(time.getTime() + zone.offset * 60_000);
  return layout.replace(tokens, (token) => field(token, at, zone));
}

function field(token: string, at: Date, zone: Zone): string {
  const year = String(at.getUTCFullYear()).padStart(4, "0");
  const day = at.getUTCDate();
  const hour = at.getUTCHours();
  const two = (value: number): string => String(value).padStart(2, "0");
  if (token[0] === "." || token[0] === ",") return fraction(token, at);
  if (token[0] === "Z" && token.length > 1) return zone.offset === 0 ? "Z" : offsetText(token.slice(1), zone.offset);
  if (token[0] === "-") return offsetText(token.slice(1), zone.offset);
  switch (token) {
    case "2006": return year;
    case "_2006": return `_${year}`;
    case "06": return year.slice(-2);
    case "January": return months[at.getUTCMonth()] ?? "";
    case "Jan": return (months[at.getUTCMonth()] ?? "").slice(0, 3);
    case "01": return two(at.getUTCMonth() + 1);
    case "1": return String(at.getUTCMonth() + 1);
    case "Monday": return weekdays[at.getUTCDay()] ?? "";
    case "Mon": return (weekdays[at.getUTCDay()] ?? "").slice(0, 3);
    case "02": return two(day);
    case "_2": return String(day).padStart(2, " ");
    case "2": return String(day);
    case "002": return String(dayOfYear(at)).padStart(3, "0");
    case "__2": return String(dayOfYear(at)).padStart(3, " ");
    case "15": return two(hour);
    case "03": return two(hour % 12 || 12);
    case "3": return String(hour % 12 || 12);
    case "04": return two(at.getUTCMinutes());
    case "4": return String(at.getUTCMinutes());
    case "05": return two(at.getUTCSeconds());
    case "5": return String(at.getUTCSeconds());
    case "PM": return hour < 12 ? "AM" : "PM";
    case "pm": return hour < 12 ? "am" : "pm";
    case "MST": return zone.name;
    default: return token;
  }
}

/** ".000" always has that many digits; ".999" drops zeros at the end. */
function fraction(token: string, at: Date): string {
  const digits = String(at.getUTCMilliseconds()).padStart(3, "0").padEnd(9, "0").slice(0, token.length - 1);
  if (token[1] === "0") return token[0] + digits;
  const short = digits.replace(/0+$/, "");
  return short === "" ? "" : token[0] + short;
}

function offsetText(form: string, offset: number): string {
  const colon = form.includes(":") ? ":" : "";
  const size = Math.abs(offset);
  const parts = [Math.floor(size / 60), size % 60, 0].map((value) => String(value).padStart(2, "0"));
  const count = form.replaceAll(":", "").length / 2;
  return (offset < 0 ? "-" : "+") + parts.slice(0, count).join(colon);
}

function dayOfYear(at: Date): number {
  return Math.floor((Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()) - Date.UTC(at.getUTCFullYear(), 0, 0)) / 86_400_000);
}

// One log line for the eye: its level, its event, its time; and how wide it is.

const LEVEL_WORDS =
  /(?:^|[\s[|(<"])(?:level=)?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERR|ERROR|CRITICAL|FATAL|SEVERE)(?=[\s\]:|)>",]|$)/;
const LOGFMT_LEVEL = /(?:^|\s|[{,])"?level"?[=:]\s?"?(trace|debug|info|warn|warning|error|critical|fatal)\b/;
const LEVEL_OF = {
  TRACE: "debug", DEBUG: "debug", INFO: "info", NOTICE: "info", WARN: "warning", WARNING: "warning",
  ERR: "error", ERROR: "error", CRITICAL: "error", FATAL: "error", SEVERE: "error",
};
// The time and level that a line tells itself: the columns beside it show both.
const OWN_STAMP =
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)? (?:TRACE|DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL) /;
const LOAD_EVENT = / event=(started|completed|failed|meta_tensor_error) boot=/;

// Tabs to the next multiple of eight, so that a line's width is its number of characters.
function untabbed(text, column = 0) {
  if (!text.includes("\t")) return text;
  let out = "";
  for (const char of text) {
    if (char !== "\t") { out += char; continue; }
    out += " ".repeat(8 - ((column + out.length) % 8));
  }
  return out;
}

function levelOf(text) {
  const head = text.length > 160 ? text.slice(0, 160) : text;
  const word = LEVEL_WORDS.exec(head);
  if (word) return LEVEL_OF[word[1]];
  const pair = LOGFMT_LEVEL.exec(head);
  return pair ? LEVEL_OF[pair[1].toUpperCase()] : "other";
}

// How many monospace cells a text takes; wide characters take two. An estimate: rows are measured when shown.
function cellsOf(text) {
  if (!/[^\x00-\u02ff]/.test(text)) return text.length;
  let cells = 0;
  for (const char of text) cells += char.codePointAt(0) >= 0x1100 ? 2 : 1;
  return cells;
}

const pad = (value, width = 2) => String(value).padStart(width, "0");

function clock(seconds) {
  const date = new Date(seconds * 1000);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

function fullTime(seconds) {
  const date = new Date(seconds * 1000);
  const offset = -date.getTimezoneOffset(), sign = offset < 0 ? "-" : "+", minutes = Math.abs(offset);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day}T${clock(seconds)}${sign}${pad(Math.trunc(minutes / 60))}:${pad(minutes % 60)}`;
}

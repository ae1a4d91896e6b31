// One log line for the eye: escape sequences out, control characters made harmless, level and event recognised.

const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
// CSI; OSC, DCS and their like up to their end; any other escape; then what may not be shown as it is.
// An OSC without an end loses its introducer only: nothing that follows may be hidden by it.
const SEQUENCES =
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const INKS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

const LEVEL_WORDS =
  /(?:^|[\s[|(<"])(?:level=)?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERR|ERROR|CRITICAL|FATAL|SEVERE)(?=[\s\]:|)>",]|$)/;
const LOGFMT_LEVEL = /(?:^|\s|[{,])"?level"?[=:]\s?"?(trace|debug|info|warn|warning|error|critical|fatal)\b/;
const LEVEL_OF = {
  TRACE: "debug", DEBUG: "debug", INFO: "info", NOTICE: "info", WARN: "warning", WARNING: "warning",
  ERR: "error", ERROR: "error", CRITICAL: "error", FATAL: "error", SEVERE: "error",
};
const RAISED = /^(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt)\b/;
// The time and level that a line tells itself: the columns beside it show both.
const OWN_STAMP =
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)? (?:TRACE|DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL) /;
const LOAD_EVENT = / event=(started|completed|failed|meta_tensor_error) boot=/;

// Pieces {text, style} of a raw line; style is a list of class names, from basic ANSI colours.
function piecesOf(raw) {
  if (!UNSAFE.test(raw)) return [{ text: raw, style: "" }];
  const pieces = [];
  let at = 0, held = "", ink = "", weight = "";
  const flush = () => {
    if (held) pieces.push({ text: held, style: [ink, weight].filter(Boolean).join(" ") });
    held = "";
  };
  for (const found of raw.matchAll(SEQUENCES)) {
    held += raw.slice(at, found.index);
    at = found.index + found[0].length;
    if (found[2] === "m") {
      flush();
      [ink, weight] = afterSgr(found[1], ink, weight);
    } else if (found[0].length === 1) {
      const code = found[0].charCodeAt(0);
      if (code < 0x20) held += code === 0x1b ? "␛" : String.fromCharCode(0x2400 + code);
      else if (code === 0x7f) held += "␡";
    }
  }
  held += raw.slice(at);
  flush();
  return pieces.length ? pieces : [{ text: "", style: "" }];
}

function afterSgr(params, ink, weight) {
  const codes = params.split(/[;:]/).map(Number);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code === 0) ink = weight = "";
    else if (code === 1) weight = "ansi-bold";
    else if (code === 2) weight = "ansi-dim";
    else if (code === 22) weight = "";
    else if (code === 39) ink = "";
    else if (code >= 30 && code <= 37) ink = `ansi-${INKS[code - 30]}`;
    else if (code >= 90 && code <= 97) ink = `ansi-${INKS[code - 90]}`;
    else if (code === 38 || code === 48) i += codes[i + 1] === 5 ? 2 : 4; // 256 colours and RGB are not shown
  }
  return [ink, weight];
}

function cleanText(raw) {
  return UNSAFE.test(raw) ? piecesOf(raw).map((piece) => piece.text).join("") : raw;
}

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

// Turns what came over the wire into lines; remembers per stream whether a traceback is under way.
class LineReader {
  constructor() { this.tracing = {}; }

  read([number, stream, time, raw]) {
    const text = cleanText(raw);
    let level = levelOf(text);
    if (this.tracing[stream]) {
      if (/^\s|^$/.test(text)) level = "error";
      else {
        if (level === "other" && RAISED.test(text)) level = "error";
        this.tracing[stream] = false;
      }
    }
    if (text.startsWith("Traceback (most recent call last)")) {
      this.tracing[stream] = true;
      level = "error";
    }
    const event = LOAD_EVENT.exec(text);
    return { number, stream, time, raw, text, level, event: event ? event[1] : null, open: false, rows: 1 };
  }
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

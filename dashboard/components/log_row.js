// One row of the log. Everything from a log goes through textContent: nothing in it is ever markup.

const SHOWN_CHARS = 1000; // a longer line is cut for the eye, with a button that shows all of it
const LETTERS = { error: "E", warning: "W", info: "I", debug: "D", other: "·" };
const LEVELS = ["error", "warning", "info", "debug", "other"];
const events = () => ({
  started: ["▶", tr("A load started here")],
  completed: ["✓", tr("A load completed here")],
  failed: ["✕", tr("A load failed here")],
  meta_tensor_error: ["⚠", tr("A load failed here: tensors without data (meta tensor error)")],
});

function span(className, text, title) {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  if (title) element.title = title;
  return element;
}

// Only the row that has the focus is a stop of the Tab key for its buttons: a list of them would be a trap.
function rowButton(className, words, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = className;
  button.textContent = words;
  button.tabIndex = -1;
  button.addEventListener("click", act);
  return button;
}

// What of a line is shown: without the time and level that have columns of their own, and without an excess.
// Pieces {text, from, look}: `from` is the place in the line's text.
function shownPieces(line) {
  const skip = OWN_STAMP.exec(line.text)?.[0].length ?? 0, end = line.open ? Infinity : skip + SHOWN_CHARS;
  const pieces = [];
  let at = 0;
  for (const { text, look } of piecesOf(line.raw)) {
    const from = Math.max(skip - at, 0), to = Math.min(text.length, end - at);
    if (to > from) pieces.push({ text: text.slice(from, to), from: at + from, look });
    at += text.length;
    if (at >= end) break;
  }
  return dimmedPairs(pieces);
}

// The pairs of our own event lines are for programs: the phrase before them is what one reads.
function dimmedPairs(pieces) {
  if (pieces.length !== 1) return pieces;
  const [{ text, from }] = pieces, at = text.search(/ event=\w+ boot=/);
  if (at < 0) return pieces;
  return [
    { text: text.slice(0, at), from, look: { classes: "phrase", css: "" } },
    { text: text.slice(at), from: from + at, look: { classes: "pairs", css: "" } },
  ];
}

// How wide a line is, in cells, with the buttons that stand in it. An estimate.
function shownCells(line) {
  if (line.text === undefined || line.separator) return 1;
  const hidden = OWN_STAMP.exec(line.text)?.[0].length ?? 0;
  const text = line.open ? line.text : line.text.slice(0, hidden + SHOWN_CHARS);
  const buttons = (line.text.length > SHOWN_CHARS ? 34 : 0) + (line.trace?.head === line ? 14 : 0) + (line.text.endsWith("}") ? 8 : 0);
  return Math.max(1, cellsOf(untabbed(text)) - hidden) + buttons + (line.stream === "stderr" ? 5 : 0);
}

// marks: [start, end, start, end, …] in the line's text.
function appendMarked(cell, pieces, marks) {
  let next = 0, column = 0;
  const put = (part, look, marked) => {
    const text = untabbed(part, column);
    column += text.length;
    if (!marked && !look.classes && !look.css) { cell.append(text); return; }
    const element = span(look.classes, text);
    if (look.css) element.style.cssText = look.css;
    if (!marked) { cell.append(element); return; }
    const mark = document.createElement("mark");
    mark.className = look.classes;
    mark.textContent = text;
    cell.append(mark);
  };
  for (const { text, from, look } of pieces) {
    const end = from + text.length;
    let at = from;
    while (next < marks.length && marks[next] < end) {
      const start = Math.max(at, marks[next]), stop = Math.min(end, marks[next + 1]);
      if (start > at) put(text.slice(at - from, start - from), look, false);
      if (stop > start) put(text.slice(start - from, stop - from), look, true);
      at = Math.max(at, stop);
      if (marks[next + 1] > end) break; // goes on in the next piece
      next += 2;
    }
    if (at < end) put(text.slice(at - from), look, false);
  }
}

// look: {several, marksOf, flashed, current, isOpen, folding, onOpen, onFold, onDetails, onLink}
function paintRow(row, line, look) {
  if (line.separator) {
    row.className = "row separator";
    row.title = tr("Lines left out");
    row.setAttribute("aria-label", row.title);
    return;
  }
  row.tabIndex = -1;
  if (line.gap !== undefined) {
    row.className = "row gap";
    row.textContent = look.several && line.source.label ? `${line.source.label}: ${line.words}` : line.words;
    return;
  }
  row.className = classesOf(line, look);
  row.dataset.number = line.number;
  const [glyph, meaning] = line.event ? events()[line.event] : ["", ""];
  const marker = span("marker", glyph, meaning);
  if (glyph) marker.setAttribute("aria-label", meaning);
  if (glyph) marker.setAttribute("role", "img");
  const time = document.createElement("time");
  time.textContent = clock(line.time);
  time.title = counted(line)
    ? tr("Received {time}, {line}, {stream}", { time: fullTime(line.time), line: lineName(line), stream: line.stream })
    : tr("Received {time}, {stream}", { time: fullTime(line.time), stream: line.stream });
  time.dateTime = fullTime(line.time);
  const level = span("level", LETTERS[line.level], tr("Level: {level}", { level: line.level }));
  const text = span("text", "");
  appendMarked(text, shownPieces(line), look.marksOf(line));
  if (line.text.length > SHOWN_CHARS) text.append(openButton(line, look));
  row.replaceChildren(marker, time, level, text);
  if (look.several) time.after(span(`source hue-${line.source.hue}`, line.source.label, line.source.label));
  if (line.stream === "stderr") level.after(span("stream", "err", tr("Written to stderr")));
  if (line.trace?.head === line && look.folding && foldable(line.trace)) text.append(foldButton(line.trace, look));
  if (jsonOf(line)) {
    text.prepend(detailsButton(line, look));
    if (line.details) {
      const block = detailsOf(line.json);
      line.blockRows = block.childElementCount;
      row.append(block);
    }
  }
  if (line.stream !== "engine") row.append(linkButton(line, look));
}

function classesOf(line, look) {
  return [
    "row", line.stream === "engine" ? "told" : line.level, line.event && `event ${line.event}`, line.dim && "dim",
    line === look.flashed && "flashed", line === look.current && "current", line.open && "opened",
    line.details && "detailed", line.trace && line.trace.head !== line && "traced",
  ].filter(Boolean).join(" ");
}

function openButton(line, look) {
  const words = line.open ? tr("Show less") : tr("… show all {count} characters", { count: number(line.text.length) });
  return rowButton("in-row show-all", words, () => look.onOpen(line));
}

function foldButton(trace, look) {
  const open = look.isOpen(trace), count = linesOf(hiddenLines(trace));
  const button = rowButton("in-row fold", `${open ? "▾" : "▸"} ${count}`, () => look.onFold(trace));
  button.setAttribute("aria-expanded", open);
  button.setAttribute("aria-label", tr("{lines} of a stack trace", { lines: count }));
  return button;
}

function detailsButton(line, look) {
  const button = rowButton("in-row details", `${line.details ? "▾" : "▸"} { }`, () => look.onDetails(line));
  button.setAttribute("aria-expanded", Boolean(line.details));
  button.setAttribute("aria-label", tr("Fields of this line"));
  return button;
}

// A container's lines have this console's own numbers, which tell a reader nothing: his line has a time.
const counted = (line) => !line.source?.run?.startsWith("container:");
const lineName = (line) => (counted(line)
  ? tr("line {number}", { number: number(line.number + 1) }) : tr("the line of {time}", { time: clock(line.time) }));

function linkButton(line, look) {
  const button = rowButton("link", tr("Copy link"), () => look.onLink(line));
  button.title = tr("Copy the address of this line");
  button.setAttribute("aria-label", tr("Copy link to {line}", { line: lineName(line) }));
  return button;
}

// One row of the log. Everything from a log goes through textContent: nothing in it is ever markup.

const SHOWN_CHARS = 1000; // a longer line is cut for the eye, with a button that shows all of it
const LETTERS = { error: "E", warning: "W", info: "I", debug: "D", other: "·" };
const LEVELS = ["error", "warning", "info", "debug", "other"];
const EVENTS = {
  started: ["▶", "A load started here"],
  completed: ["✓", "A load completed here"],
  failed: ["✕", "A load failed here"],
  meta_tensor_error: ["⚠", "A load failed here: tensors without data (meta tensor error)"],
};

function span(className, text, title) {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  if (title) element.title = title;
  return element;
}

// What of a line is shown: without the time and level that have columns of their own, and without an excess.
function shownPieces(line) {
  let skip = OWN_STAMP.exec(line.text)?.[0].length ?? 0;
  let room = line.open ? Infinity : SHOWN_CHARS, column = 0;
  const pieces = [];
  for (const { text, style } of piecesOf(line.raw)) {
    const rest = untabbed(text.slice(skip), column);
    skip = Math.max(0, skip - text.length);
    if (!rest) continue;
    if (room <= 0) break;
    const kept = rest.slice(0, room);
    room -= kept.length;
    column += kept.length;
    pieces.push({ text: kept, style });
  }
  return dimmedPairs(pieces);
}

// The pairs of our own event lines are for programs: the phrase before them is what one reads.
function dimmedPairs(pieces) {
  if (pieces.length !== 1) return pieces;
  const { text } = pieces[0], at = text.search(/ event=\w+ boot=/);
  return at < 0 ? pieces : [{ text: text.slice(0, at), style: "phrase" }, { text: text.slice(at), style: "pairs" }];
}

function shownCells(line) {
  const hidden = OWN_STAMP.exec(line.text)?.[0].length ?? 0;
  const text = line.open ? line.text : line.text.slice(0, hidden + SHOWN_CHARS);
  return Math.max(1, cellsOf(untabbed(text)) - hidden);
}

function matchRanges(text, pattern) {
  const ranges = [];
  if (!pattern) return ranges;
  pattern.lastIndex = 0;
  for (let found; ranges.length < 200 && (found = pattern.exec(text)); ) {
    ranges.push([found.index, found.index + found[0].length]);
    if (!found[0]) pattern.lastIndex++;
  }
  return ranges;
}

function appendMarked(cell, pieces, ranges) {
  let at = 0, next = 0;
  for (const { text, style } of pieces) {
    const end = at + text.length;
    let from = at;
    const put = (to, marked) => {
      if (to <= from) return;
      const part = text.slice(from - at, to - at);
      if (!marked && !style) cell.append(part);
      else {
        const element = document.createElement(marked ? "mark" : "span");
        element.className = style;
        element.textContent = part;
        cell.append(element);
      }
      from = to;
    };
    while (next < ranges.length && ranges[next][0] < end) {
      put(Math.max(from, ranges[next][0]), false);
      put(Math.min(end, ranges[next][1]), true);
      if (ranges[next][1] > end) break; // goes on in the next piece
      next++;
    }
    put(end, false);
    at = end;
  }
}

// look: {pattern, flashed, onOpen}
function paintRow(row, line, look) {
  if (line.gap !== undefined) {
    row.className = "row gap";
    row.textContent = line.words;
    return;
  }
  row.className = `row ${line.stream === "engine" ? "told" : line.level}${line.event ? ` event ${line.event}` : ""}${line === look.flashed ? " flashed" : ""}${line.open ? " opened" : ""}`;
  row.dataset.number = line.number;
  const [glyph, meaning] = line.event ? EVENTS[line.event] : ["", ""];
  const marker = span("marker", glyph, meaning);
  if (glyph) marker.setAttribute("aria-label", meaning);
  if (glyph) marker.setAttribute("role", "img");
  const time = document.createElement("time");
  time.textContent = clock(line.time);
  time.title = `Received ${fullTime(line.time)}, line ${(line.number + 1).toLocaleString("en")}, ${line.stream}`;
  time.dateTime = fullTime(line.time);
  const level = span("level", LETTERS[line.level], `Level: ${line.level}`);
  const text = span("text", "");
  const pieces = shownPieces(line);
  appendMarked(text, pieces, matchRanges(pieces.map((piece) => piece.text).join(""), look.pattern));
  if (line.text.length > SHOWN_CHARS) text.append(openButton(line, look));
  row.replaceChildren(marker, time, level, text);
  if (line.stream === "stderr") level.after(span("stream", "err", "Written to stderr"));
}

function openButton(line, look) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "show-all";
  button.textContent = line.open ? "Show less" : `… show all ${line.text.length.toLocaleString("en")} characters`;
  button.addEventListener("click", () => look.onOpen(line));
  return button;
}

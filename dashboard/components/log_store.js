// The lines of all sources, merged by time: bounded, and cheap where they arrive nearly in order.
//
// A source's own order is never changed: a line sorts by its time or by that of the line before it, whichever is
// later. What arrives late rewrites the tail of the list; a backlog waits and is sorted in once.

const MAX_LINES = 200000, MAX_CHARS = 64 * 1024 * 1024, SLACK = 1.1;
const CHEAP = 5000; // lines whose rewriting nobody notices
const number = (value) => value.toLocaleString("en");
const linesOf = (count) => tr(count === 1 ? "{count} line" : "{count} lines", { count: number(count) });

// Turns what came over the wire into the lines of one source.
class LineReader {
  constructor(source, onLevel) {
    this.source = source;
    this.at = -Infinity;
    this.any = false;
    this.traces = new TraceReader(onLevel);
  }

  read(batch) {
    const lines = batch.lines.map((wire) => this.line(wire));
    if (batch.skipped) lines.unshift(this.gap(batch.skipped, lines.length ? lines[0].at : this.at));
    this.any = this.any || lines.length > 0;
    return lines;
  }

  line([number, stream, time, raw]) {
    const text = cleanText(raw), event = LOAD_EVENT.exec(text);
    this.at = Math.max(this.at, time);
    const line = {
      source: this.source, number, stream, time, at: this.at, raw, text, level: levelOf(text),
      event: event ? event[1] : null, trace: null, hit: undefined, open: false, rows: 1, pos: 0,
    };
    if (stream !== "engine") this.traces.read(line);
    return line;
  }

  gap(count, at) {
    return gapLine(count, at, this.source, this.any
      ? tr("{lines} skipped: this browser was slower than the log", { lines: linesOf(count) })
      : tr(count === 1 ? "{count} older line is no longer kept" : "{count} older lines are no longer kept", { count: number(count) }));
  }
}

function gapLine(count, at, source, words) {
  return { gap: count, at, source, words, text: `[${words}]`, raw: `[${words}]`, trace: null, rows: 1, pos: 0 };
}

// Sources that print at the same moment keep the order in which the page names them.
const before = (a, b) => a.at < b.at || (a.at === b.at && a.source.order < b.source.order);

class LineStore {
  constructor() {
    this.lines = [];
    this.base = 0; // the first line's `pos`: a line's place in the list is line.pos - base
    this.clear();
  }

  clear() {
    this.base += this.lines.length + 1;
    this.lines = [];
    this.waiting = [];
    this.chars = this.arrived = 0;
    this.counts = Object.fromEntries(LEVELS.map((level) => [level, 0]));
    this.streamCounts = { stdout: 0, stderr: 0, engine: 0 };
  }

  placeOf(line) { return line.pos - this.base; }

  // Take in lines of one source, in its order. Returns the place of the first line that has changed or moved;
  // null when they wait for `settle`, because too much would have to move.
  insert(added) {
    for (const line of added) this.count(line, 1);
    if (this.waiting.length || !added.length) {
      this.waiting.push(...added);
      return added.length ? null : this.lines.length;
    }
    const place = this.placeFor(added[0]);
    if (this.lines.length - place > CHEAP) {
      this.waiting.push(...added);
      return null;
    }
    const moved = this.lines.splice(place);
    for (let i = 0, j = 0; i < moved.length || j < added.length; ) {
      const line = j >= added.length || (i < moved.length && !before(added[j], moved[i])) ? moved[i++] : added[j++];
      line.pos = this.base + this.lines.length;
      this.lines.push(line);
    }
    return place;
  }

  // Sort in what waited. The sort is stable, and fast where the parts are in order already.
  settle() {
    this.lines = this.lines.concat(this.waiting);
    this.waiting = [];
    this.lines.sort((a, b) => (before(a, b) ? -1 : before(b, a) ? 1 : 0));
    this.lines.forEach((line, index) => { line.pos = this.base + index; });
  }

  placeFor(line) {
    let low = 0, high = this.lines.length;
    if (!high || !before(line, this.lines[high - 1])) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(line, this.lines[middle])) high = middle; else low = middle + 1;
    }
    return low;
  }

  // The lines that these made part of a trace begin earlier than they: its head is shown another way now.
  startOf(added, place) {
    for (const line of added) {
      if (line.trace && line.trace.head.pos >= this.base) place = Math.min(place, this.placeOf(line.trace.head));
    }
    return Math.max(0, place);
  }

  count(line, sign) {
    if (line.gap !== undefined) return;
    if (sign > 0) line.arrival = this.arrived++;
    this.chars += sign * line.raw.length;
    this.counts[line.level] += sign;
    this.streamCounts[line.stream] += sign;
    line.source.count += sign;
    line.counted = sign > 0;
  }

  relevel(line, level) {
    if (line.counted) {
      this.counts[line.level]--;
      this.counts[level]++;
    }
    line.level = level;
  }

  // Drop the oldest lines beyond the bound; true if any went.
  trim(factor) {
    const limit = factor * MAX_LINES;
    if (this.lines.length <= limit * SLACK && this.chars <= MAX_CHARS * SLACK) return false;
    let gone = 0, dropped = 0;
    while (this.lines.length - gone > limit || (this.chars > MAX_CHARS && gone < this.lines.length - 1)) {
      const line = this.lines[gone++];
      dropped += line.gap ?? 1;
      this.count(line, -1);
    }
    this.lines.splice(0, gone);
    this.base += gone - 1;
    const words = `${number(dropped)} older lines are no longer kept in this browser`;
    const gap = gapLine(dropped, -Infinity, NO_SOURCE, words);
    gap.pos = this.base;
    this.lines.unshift(gap);
    return true;
  }

  drop(sources) {
    const gone = (line) => sources.has(line.source);
    for (const line of [...this.lines, ...this.waiting]) if (gone(line)) this.count(line, -1);
    this.waiting = this.waiting.filter((line) => !gone(line));
    this.lines = this.lines.filter((line) => !gone(line));
    this.lines.forEach((line, index) => { line.pos = this.base + index; });
  }
}

const NO_SOURCE = { order: -1, label: "", hidden: false, count: 0 };

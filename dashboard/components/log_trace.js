// Stack traces: which lines belong together, so that the list can fold them to their head and their last line.
//
// Python's, chained ones and exception groups too; and the indented "at …" frames of Java, Node and .NET, whose head
// is the line before the first frame and whose telling line is the last "Caused by". Per source and per stream:
// another's lines may stand between a trace's own.

const PYTHON_HEAD = /^\s*(?:\+ Exception Group )?Traceback \(most recent call last\)/;
const PYTHON_CHAIN = /^(?:During handling of the above exception, another|The above exception was the direct cause of)/;
const RAISED = /^(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning|Timeout)\b/;
const RAISED_OTHERWISE = /^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?::\s|:?$)/; // queue.Empty, a class of one's own
const FRAME = /^\s+at \S.*(?:\)|:\d+|\]|line \d+| \{)$/;
const FRAMES_LEFT_OUT = /^\s*\.\.\. \d+ (?:more|common frames)/;
const CAUSE = /^\s*(?:Caused by|Suppressed): /;
const MOST_LINES = 1000; // a stream of indented lines without an end is no trace
const MOST_BLANKS = 3;
const WORTH_FOLDING = 2; // hidden lines

class TraceReader {
  // onLevel(line, level): a line turned out to be the head of a trace, and so an error.
  constructor(onLevel) {
    this.onLevel = onLevel;
    this.streams = {};
  }

  // Give a line that belongs to a trace its `trace`, {head, lines, last, open}.
  read(line) {
    const stream = (this.streams[line.stream] ??= { trace: null, step: null, blanks: [], before: null });
    if (stream.trace && !this[stream.step](stream, line)) stream.trace = null;
    if (!stream.trace) this.begin(stream, line);
    if (stream.trace && stream.trace.lines.length >= MOST_LINES) stream.trace = null;
    stream.before = line;
  }

  begin(stream, line) {
    if (PYTHON_HEAD.test(line.text)) this.open(stream, line, "frames", line.text.includes("+ Exception Group"));
    else if (FRAME.test(line.text) && stream.before?.text.trim() && !stream.before.trace) {
      this.open(stream, stream.before, "calls", false);
      this.join(stream, line);
      stream.brace = line.text.endsWith(" {");
    }
  }

  open(stream, head, step, grouped) {
    const level = head.level === "other" ? "error" : head.level; // a warning may show its stack too
    Object.assign(stream, { trace: { head, lines: [], last: null, open: null, level }, step, grouped, blanks: [], brace: false });
    this.join(stream, head);
  }

  join(stream, line) {
    line.trace = stream.trace;
    if (line.level !== stream.trace.level) this.onLevel(line, stream.trace.level);
    stream.trace.lines.push(line);
    stream.trace.head.stale = true; // it tells how many they are
  }

  // Each step says whether the line still belongs to the trace, and takes it in if so.

  frames(stream, line) {
    const { text, level } = line;
    if (PYTHON_HEAD.test(text)) return this.taken(stream, line); // within a group
    if (/^\s|^$/.test(text)) return this.taken(stream, line);
    if (stream.grouped || !(RAISED.test(text) || (level === "other" && RAISED_OTHERWISE.test(text)))) return false;
    stream.step = "raised";
    stream.trace.last = line;
    return this.taken(stream, line);
  }

  raised(stream, line) {
    if (!line.text.trim() && stream.blanks.length < MOST_BLANKS) {
      stream.blanks.push(line);
      return true; // not taken yet: only a chained trace makes it part of this one
    }
    if (!stream.blanks.length || !PYTHON_CHAIN.test(line.text)) return false;
    for (const blank of stream.blanks) this.join(stream, blank);
    stream.blanks = [];
    stream.step = "chained";
    return this.taken(stream, line);
  }

  chained(stream, line) {
    if (PYTHON_HEAD.test(line.text)) stream.step = "frames";
    else if (line.text.trim()) return false;
    return this.taken(stream, line);
  }

  calls(stream, line) {
    const { text } = line;
    if (stream.brace) { // Node prints an error's own fields in braces behind its last frame
      stream.brace = !text.startsWith("}") && /^\s/.test(text);
      return (stream.brace || text.startsWith("}")) && this.taken(stream, line);
    }
    if (CAUSE.test(text)) stream.trace.last = line;
    else if (!FRAME.test(text) && !FRAMES_LEFT_OUT.test(text)) return false;
    stream.brace = text.endsWith(" {");
    return this.taken(stream, line);
  }

  taken(stream, line) {
    this.join(stream, line);
    return true;
  }
}

const hiddenLines = (trace) => trace.lines.length - (trace.last ? 2 : 1);
const foldable = (trace) => hiddenLines(trace) >= WORTH_FOLDING;

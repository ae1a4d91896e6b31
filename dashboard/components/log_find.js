// What is looked for: plain text here, a regular expression in a worker, where the worst pattern hangs nothing.
//
// A line's `hit` is true, false, or undefined while nobody has looked. A new pattern is tried on all lines first and
// put in the place of the last one only when it is through: one that is wrong or too slow changes nothing.

const SEARCHED_CHARS = 20000; // of a line, by a regular expression
const CHUNK_LINES = 2000, CHUNK_CHARS = 256 * 1024;
const CHUNK_MS = 2500; // a chunk takes some ms; a pattern that backtracks for ever never comes back
const MARKS = 200;
const WORKER = `onmessage = ({ data: { id, source, texts } }) => {
  const pattern = new RegExp(source, "gi");
  postMessage({ id, found: texts.map((text) => {
    const marks = [];
    pattern.lastIndex = 0;
    for (let hit; marks.length < ${2 * MARKS} && (hit = pattern.exec(text)); ) {
      marks.push(hit.index, hit.index + hit[0].length);
      if (!hit[0]) pattern.lastIndex++;
    }
    return marks.length ? marks : null;
  }) });
};`;

class Finder {
  // allLines(); onFound(lines): these have new hits, null: all have; onProblem(words): a sentence, or "".
  constructor({ allLines, onFound, onProblem }) {
    Object.assign(this, { allLines, onFound, onProblem });
    this.text = ""; // what is shown as found: that of the last good pattern
    this.regex = false;
    this.plain = null;
    this.inverted = false;
    this.filtering = true; // else all lines stay, and hits are marked
    this.context = 0;
    this.stopSearch();
  }

  get active() { return this.text !== ""; }
  get searching() { return this.trial !== null; }
  hits(line) { return this.active && line.hit !== undefined && line.hit !== this.inverted; }

  // Look for another text in all lines.
  look(text, regex) {
    if (text && regex) {
      try { new RegExp(text, "gi"); } catch (error) {
        this.onProblem(tr("Not a pattern yet: {why}. The last result stays.", { why: error.message.split(": ").at(-1) }));
        return;
      }
    }
    this.stopSearch();
    this.onProblem("");
    if (!text || !regex) {
      Object.assign(this, { text, regex: false, plain: text ? new RegExp(escaped(text), "gi") : null });
      for (const line of this.allLines()) this.lookAt(line);
      this.onFound(null);
      return;
    }
    this.trial = { text, found: new Map() };
    this.search(this.allLines());
    if (this.trial && !this.busy) this.trialOver(); // there was no line to look in
  }

  // Look in lines that have just come.
  test(lines) {
    if (this.trial || (this.active && this.regex)) this.search(lines);
    else if (this.active) for (const line of lines) this.lookAt(line);
  }

  lookAt(line) {
    if (line.gap !== undefined) return;
    line.marks = undefined;
    if (!this.plain) { line.hit = undefined; return; }
    this.plain.lastIndex = 0;
    line.hit = this.plain.test(line.text);
  }

  // Where in a line's text it was found: [start, end, start, end, …].
  marksOf(line) {
    if (!this.active || !line.hit) return [];
    if (this.regex) return line.marks ?? [];
    const marks = [];
    this.plain.lastIndex = 0;
    for (let hit; marks.length < 2 * MARKS && (hit = this.plain.exec(line.text)); ) marks.push(hit.index, hit.index + hit[0].length);
    return marks;
  }

  // --- the worker ---
  search(lines) {
    for (const line of lines) if (line.gap === undefined) this.todo.push(line);
    if (!this.busy) this.sendChunk();
  }

  sendChunk() {
    if (!this.todo.length) return;
    const chunk = [], texts = [];
    for (let chars = 0; this.done < this.todo.length && chunk.length < CHUNK_LINES && chars < CHUNK_CHARS; ) {
      const line = this.todo[this.done++];
      chunk.push(line);
      texts.push(line.text.slice(0, SEARCHED_CHARS));
      chars += Math.min(line.text.length, SEARCHED_CHARS);
    }
    if (this.done === this.todo.length) { this.todo = []; this.done = 0; }
    this.busy = { chunk, id: ++this.asked, source: this.trial ? this.trial.text : this.text };
    this.worker ??= this.newWorker();
    if (!this.worker) return;
    this.timer = setTimeout(() => this.tooSlow(), CHUNK_MS);
    this.worker.postMessage({ id: this.asked, source: this.busy.source, texts });
  }

  newWorker() {
    const address = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
    try {
      const worker = new Worker(address);
      worker.onmessage = ({ data }) => this.answered(data);
      worker.onerror = () => this.noWorker(); // a policy of the page is told later, not thrown
      return worker;
    } catch {
      this.noWorker();
      return null;
    } finally {
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    }
  }

  noWorker() {
    this.stopSearch();
    this.onProblem(tr("This browser lets no worker run, without which a pattern could hang the page: use plain text."));
  }

  answered({ id, found }) {
    if (!this.busy || id !== this.busy.id) return;
    const { chunk } = this.busy;
    this.rest();
    if (this.trial) chunk.forEach((line, index) => this.trial.found.set(line, found[index]));
    else {
      chunk.forEach((line, index) => this.note(line, found[index]));
      this.onFound(chunk);
    }
    if (this.todo.length) this.sendChunk();
    else if (this.trial) this.trialOver();
  }

  note(line, marks) {
    line.hit = marks !== null;
    line.marks = marks ?? undefined;
  }

  trialOver() {
    const { text, found } = this.trial;
    this.trial = null;
    Object.assign(this, { text, regex: true, plain: null });
    for (const [line, marks] of found) this.note(line, marks);
    this.onFound(null);
  }

  tooSlow() {
    const { chunk } = this.busy;
    if (this.trial) {
      const { text } = this.trial, late = [...this.trial.found.keys(), ...chunk, ...this.todo.slice(this.done)];
      this.stopSearch();
      this.onProblem(`“${text}” takes too long on this log: it was given up, and the last result stays.`);
      this.test(late.filter((line) => line.hit === undefined)); // those that came meanwhile
      return;
    }
    this.endWorker();
    this.unsearched = (this.unsearched ?? 0) + chunk.length;
    for (const line of chunk) this.note(line, null);
    this.onProblem(tr("“{text}” takes too long on some lines: {lines} not searched.", { text: this.text, lines: linesOf(this.unsearched) }));
    this.onFound(chunk);
    this.sendChunk();
  }

  rest() {
    clearTimeout(this.timer);
    this.busy = null;
  }

  endWorker() {
    this.rest();
    this.worker?.terminate();
    this.worker = null;
  }

  // Nothing is under way after this; what was found stays.
  stopSearch() {
    if (this.busy) this.endWorker();
    this.trial = null;
    this.todo = [];
    this.done = this.unsearched = 0;
    this.asked ??= 0;
  }

  stop() {
    this.stopSearch();
    this.endWorker();
  }
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

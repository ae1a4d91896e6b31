// The live log: keeps the lines, filters them, and ties the connection to the list and the controls.

const MAX_LINES = 200000, MAX_CHARS = 64 * 1024 * 1024, SLACK = 1.1;

class LogView {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.log = this.find(".log");
    this.view = this.find(".view");
    this.levels = new Set(LEVELS);
    this.streams = new Set(["stdout", "stderr"]);
    this.needle = "";
    this.pattern = null;
    this.inverted = this.paused = false;
    this.flashed = null;
    this.askToken = () => {};
    this.list = new VirtualList(this.view, {
      paint: (row, line) => paintRow(row, line, this),
      measure: (line) => this.rowsOf(line),
      onFollow: () => this.showNewest(),
    });
    this.feed = new LogFeed({
      onBatch: (batch) => this.take(batch),
      onState: (state, reason) => this.showState(state, reason),
      askToken: () => this.askToken(),
    });
    this.forget();
    this.build();
    this.listen();
    this.layout();
  }

  forget() {
    this.lines = [];
    this.reader = new LineReader();
    this.chars = this.dropped = this.unseen = this.heldFrom = 0;
    this.counts = Object.fromEntries(LEVELS.map((level) => [level, 0]));
    this.streamCounts = { stdout: 0, stderr: 0 };
    this.widest = 0;
    this.wanted = null;
    this.state = "";
  }

  // The page's data: a first call, a rerun with a fresh token, or another log.
  show(data) {
    this.askToken = data.askToken;
    const target = `${data.run}\n${data.source}`;
    this.log.setAttribute("aria-label", `Log of ${data.source}`);
    this.log.style.setProperty("--height", `${data.height}px`);
    this.find(".pause").hidden = !data.live;
    this.live = data.live;
    const asked = data.since_line !== this.asked;
    if (this.target === target) this.feed.renew(data.token);
    else {
      this.target = target;
      this.source = data.source;
      this.run = data.run;
      this.forget();
      this.setPaused(false);
      this.list.following = !(asked && data.since_line !== null);
      this.refill();
      this.feed.open(data.run, data.source, data.token);
    }
    if (asked) {
      this.asked = data.since_line;
      this.wanted = data.since_line;
      this.revealWanted();
    }
  }

  // --- lines come in ---
  take(batch) {
    const added = [];
    if (batch.skipped) added.push(this.gap(batch.skipped));
    for (const wire of batch.lines) {
      const line = this.reader.read(wire);
      this.chars += line.raw.length;
      this.counts[line.level]++;
      this.streamCounts[line.stream]++;
      added.push(line);
    }
    for (const line of added) this.lines.push(line);
    if (this.paused) this.showNewest();
    else this.extend(added);
    this.trim();
    this.showCounts();
    this.revealWanted();
  }

  gap(count) {
    const words = this.lines.length
      ? `${linesOf(count)} skipped: this browser was slower than the log`
      : `${number(count)} older ${count === 1 ? "line is" : "lines are"} no longer kept`;
    return { gap: count, words, text: `[${words}]`, raw: `[${words}]`, rows: 1 };
  }

  extend(added) {
    const shown = added.filter((line) => this.passes(line));
    if (!this.list.following) this.unseen += shown.length;
    for (const line of shown) this.widest = Math.max(this.widest, line.gap === undefined ? shownCells(line) : 0);
    this.widen();
    this.list.append(shown);
    this.showNewest();
    this.showEmpty();
  }

  trim() {
    const limit = this.paused ? 2 * MAX_LINES : MAX_LINES;
    if (this.lines.length <= limit * SLACK && this.chars <= MAX_CHARS * SLACK) return;
    let gone = 0;
    while (this.lines.length - gone > limit || (this.chars > MAX_CHARS && gone < this.lines.length - 1)) {
      const line = this.lines[gone++];
      if (line.gap !== undefined) { this.dropped += line.gap; continue; }
      this.chars -= line.raw.length;
      this.counts[line.level]--;
      this.streamCounts[line.stream]--;
      this.dropped++;
    }
    this.lines.splice(0, gone);
    this.heldFrom = Math.max(0, this.heldFrom - gone);
    const words = `${number(this.dropped)} older lines are no longer kept in this browser`;
    this.lines.unshift({ gap: this.dropped, words, text: `[${words}]`, raw: `[${words}]`, rows: 1 });
    this.dropped = 0;
    this.heldFrom++;
    this.refill();
  }

  // --- which lines are shown ---
  passes(line) {
    if (line.gap !== undefined) return true;
    // The console's own word on a container (a restart, lines that are lost) is never filtered away
    if (line.stream === "engine") return true;
    if (!this.levels.has(line.level) || !this.streams.has(line.stream)) return false;
    if (!this.pattern) return true;
    this.pattern.lastIndex = 0;
    return this.pattern.test(line.text) !== this.inverted;
  }

  refill() {
    const anchor = this.list.anchor();
    const open = this.paused ? this.lines.slice(0, this.heldFrom) : this.lines;
    const shown = open.filter((line) => this.passes(line));
    this.widest = 0;
    for (const line of shown) if (line.gap === undefined) this.widest = Math.max(this.widest, shownCells(line));
    this.widen();
    this.list.reset(shown, { keep: anchor });
    this.showCounts();
    this.showEmpty();
  }

  setNeedle(text) {
    this.needle = text;
    this.pattern = text ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi") : null;
    this.refill();
  }

  setPaused(paused) {
    if (this.paused === paused) return;
    this.paused = paused;
    const button = this.find(".pause");
    button.setAttribute("aria-pressed", paused);
    button.querySelector("span").textContent = paused ? "Resume" : "Pause";
    if (paused) {
      this.heldFrom = this.lines.length;
      this.unseen = 0;
      this.list.follow(false);
    } else {
      this.refill();
      this.toNewest();
    }
    this.showNewest();
  }

  toNewest() {
    if (this.paused) { this.setPaused(false); return; }
    this.unseen = 0;
    this.list.follow(true);
    this.list.draw();
  }

  toggleOpen(line) {
    line.open = !line.open;
    const index = this.list.items.indexOf(line);
    if (index >= 0) this.list.resize(line, index, this.rowsOf(line));
    this.list.repaint();
  }

  get onOpen() { return (line) => this.toggleOpen(line); }

  revealWanted() {
    if (this.wanted === null) return;
    const line = this.lines.find((item) => item.number === this.wanted);
    if (!line) return;
    this.wanted = null;
    this.flashed = line;
    this.unseen = 0;
    if (!this.list.reveal(line)) this.showEverything(line);
    this.list.repaint();
  }

  showEverything(line) {
    this.levels = new Set(LEVELS);
    this.streams = new Set(["stdout", "stderr"]);
    this.inverted = false;
    this.find(".invert").setAttribute("aria-pressed", "false");
    this.find(".filter").value = "";
    for (const chip of this.root.querySelectorAll(".levels button, .streams button")) chip.setAttribute("aria-pressed", "true");
    this.setNeedle("");
    if (line) this.list.reveal(line);
  }

  // --- size ---
  layout() {
    const probe = document.createElement("div");
    paintRow(probe, { number: 0, stream: "stdout", time: 0, raw: "0".repeat(100), text: "0".repeat(100), level: "info", event: null }, {});
    probe.classList.add("probe");
    this.view.append(probe);
    const cell = probe.querySelector(".text"), range = document.createRange();
    range.selectNodeContents(cell);
    this.gutter = cell.getBoundingClientRect().left - probe.getBoundingClientRect().left;
    this.charWidth = range.getBoundingClientRect().width / 100 || 7;
    this.list.rowHeight = Math.min(40, probe.offsetHeight || 20);
    this.width = this.view.clientWidth;
    // On a phone the text runs under the columns beside it: it is longer then, and so is its room.
    const under = getComputedStyle(probe).display === "block";
    probe.remove();
    this.columns = Math.max(8, Math.floor((this.width - (under ? 15 : this.gutter + 12)) / this.charWidth));
    this.indent = under ? Math.ceil(this.gutter / this.charWidth) : 0;
    this.widen();
  }

  rowsOf(line) {
    if (line.gap !== undefined || !(this.wrapping || line.open)) return 1;
    return Math.max(1, Math.ceil((this.indent + shownCells(line) + (line.stream === "stderr" ? 5 : 0)) / this.columns));
  }

  widen() {
    const wide = this.wrapping ? 0 : (this.widest + 34) * this.charWidth + this.gutter + 24;
    this.list.spacer.style.minWidth = wide > this.width ? `${Math.ceil(wide - 34 * this.charWidth)}px` : "";
  }

  relayout() {
    if (!this.view.clientWidth) return;
    this.layout();
    this.list.reset(this.list.items, { keep: this.list.anchor() });
  }

  stop() {
    this.feed.stop();
    this.list.stop();
    this.unlisten.abort();
    this.observer.disconnect();
  }
}

Object.assign(LogView.prototype, LogControls);

const VIEWS = new WeakMap();

// Streamlit calls this at the first mount and at every rerun that changes the data; the view lives on.
export default function ({ data, parentElement, setTriggerValue }) {
  let view = VIEWS.get(parentElement);
  if (view && !view.log.isConnected) {
    view.stop();
    view = null;
  }
  if (!view) {
    view = new LogView(parentElement);
    VIEWS.set(parentElement, view);
  }
  view.show({ ...data, askToken: () => setTriggerValue("token", Date.now()) });
  const mounted = view;
  return () => {
    mounted.stop();
    if (VIEWS.get(parentElement) === mounted) VIEWS.delete(parentElement);
  };
}

// The live log: ties the sources, the merged lines, what is looked for and the list together.

const FULL_BATCH_LINES = 4000, FULL_BATCH_CHARS = 100 * 1024; // somewhat less than the server's bounds

class LogView {
  constructor(root) {
    this.root = root;
    this.part = (selector) => root.querySelector(selector);
    this.log = this.part(".log");
    this.view = this.part(".view");
    this.levels = new Set(LEVELS);
    this.streams = new Set(["stdout", "stderr"]);
    this.paused = false;
    this.heldFrom = Infinity;
    this.flashed = this.current = this.wanted = null;
    this.unseen = this.widest = this.settleMs = 0;
    this.askToken = () => {};
    this.store = new LineStore();
    this.sources = new Sources({
      onBatch: (source, batch) => this.take(source, batch),
      onState: () => this.showState(),
      askToken: () => this.askToken(),
      onLevel: (line, level) => this.store.relevel(line, level),
    });
    this.find = new Finder({
      allLines: () => [...this.store.lines, ...this.store.waiting],
      onFound: (lines) => this.found(lines),
      onProblem: (words) => this.notice("find", words),
    });
    this.shown = new ShownLines(this);
    this.list = new VirtualList(this.view, {
      paint: (row, line) => paintRow(row, line, this),
      measure: (line) => this.rowsOf(line),
      onFollow: () => this.showNewest(),
    });
    this.build();
    this.listen();
    this.layout();
  }

  // The page's data: a first call, a rerun with fresh tokens, or other logs.
  show(data) {
    this.askToken = data.askToken;
    this.log.setAttribute("aria-label", tr("Log of {name}", { name: data.sources.map((each) => each.source).join(", ") }));
    this.log.style.setProperty("--height", `${data.height}px`);
    this.part(".pause").hidden = !data.live;
    this.live = data.live;
    const { gone, fresh } = this.sources.show(data.sources);
    const line = data.since_line ?? null, asked = JSON.stringify([line, data.at ?? null]);
    const wanted = asked === this.asked ? null : data.at ?? (line === null ? null : { number: line });
    this.asked = asked;
    if (gone.size || fresh.length) this.changeSources(gone, fresh, wanted);
    if (wanted) this.want(wanted);
    this.log.classList.remove("unready");
  }

  changeSources(gone, fresh, wanted) {
    if (fresh.length === this.sources.all.length) {
      this.store.clear();
      this.setPaused(false);
      this.list.following = !wanted;
      this.wanted = this.flashed = this.current = null;
      this.notice("link", "");
    } else this.store.drop(gone);
    this.showSources();
    this.layout();
    this.refill();
    this.sources.open(fresh);
  }

  // --- lines come in ---
  take(source, batch) {
    const before = this.store.arrived, added = source.reader.read(batch), old = source.behind;
    // The server sends full batches while there is a backlog: what it holds is not new to the reader.
    source.behind &&= batch.lines.length >= FULL_BATCH_LINES || added.reduce((sum, line) => sum + line.raw.length, 0) > FULL_BATCH_CHARS;
    source.heardAt = performance.now();
    this.find.test(added);
    const place = this.store.insert(added);
    if (place === null) this.settleSoon();
    else {
      this.changed(this.store.startOf(added, place), old ? Infinity : before);
      this.seek(added);
    }
    this.countSoon();
  }

  // Too much would have to move for these few: more of a backlog is waited for, the longer the more it costs.
  settleSoon() {
    this.settling ??= setTimeout(() => {
      this.settling = null;
      const begin = performance.now();
      this.store.settle();
      this.store.trim(this.paused ? 2 : 1);
      this.refill();
      this.seek(this.store.lines);
      this.settleMs = performance.now() - begin;
    }, Math.max(150, 4 * this.settleMs));
  }

  // The merged lines have changed from a place on; those that arrived from `since` on are news.
  changed(place, since) {
    if (this.paused) this.showNewest();
    else this.showFrom(place, since);
    if (this.store.trim(this.paused ? 2 : 1)) this.refill();
  }

  showFrom(place, since) {
    const { keep, items } = this.shown.tail(place, this.list.items);
    for (const line of items) {
      if (!this.list.following && line.arrival >= since) this.unseen++;
      this.widest = Math.max(this.widest, shownCells(line));
    }
    this.widen();
    this.list.replace(keep, items);
    this.showNewest();
    this.showEmpty();
  }

  // Hits are known for these lines now; for all, when there are none given.
  found(lines) {
    if (!lines) {
      // What was folded by hand before this search may hold what is looked for.
      for (const { trace } of this.store.lines) if (trace?.open === false) trace.open = null;
      this.current = null;
      this.refill();
      return;
    }
    let place = Infinity;
    for (const line of lines) {
      line.stale = true;
      if (line.pos >= this.store.base) place = Math.min(place, this.store.placeOf(line));
    }
    if (place < Infinity) this.showFrom(this.store.startOf(lines, place), Infinity);
    this.countSoon();
  }

  refill() {
    const anchor = this.list.anchor(), shown = this.shown.all();
    this.widest = 0;
    for (const line of shown) this.widest = Math.max(this.widest, shownCells(line));
    this.widen();
    this.list.reset(shown, { keep: anchor });
    this.showCounts();
    this.showEmpty();
  }

  setPaused(paused) {
    if (this.paused === paused) return;
    this.paused = paused;
    const button = this.part(".pause");
    button.setAttribute("aria-pressed", paused);
    button.querySelector("span").textContent = paused ? tr("Resume") : tr("Pause");
    this.heldFrom = paused ? this.store.arrived : Infinity;
    if (paused) {
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

  // --- the line that the address names ---
  want(wanted) {
    this.wanted = new WantedLine(wanted);
    this.notice("link", "");
    this.seek(this.store.lines);
    clearInterval(this.wanting);
    this.wanting = setInterval(() => {
      if (!this.wanted) { clearInterval(this.wanting); return; }
      this.notice("link", this.wanted.missing(this.store.lines, this.sources));
    }, 400);
  }

  seek(lines) {
    const line = this.wanted?.in(lines, this.sources);
    if (!line) return;
    this.wanted = null;
    this.notice("link", "");
    this.flashed = line;
    this.unseen = 0;
    this.revealLine(line);
  }

  revealLine(line) {
    if (line.trace && line.trace.open !== true && this.shown.folded(line)) {
      line.trace.open = true;
      this.refill();
    }
    if (!this.list.reveal(line)) {
      this.showEverything();
      this.list.reveal(line);
    }
    this.list.repaint();
  }

  // --- size ---
  layout() {
    const probe = document.createElement("div"), zeros = "0".repeat(100);
    const line = {
      number: 0, stream: "stdout", time: 0, raw: zeros, text: zeros, level: "info", event: null, trace: null, json: null,
      source: this.sources.all[0] ?? { hue: 0, label: "", address: {} },
    };
    paintRow(probe, line, { several: this.several, marksOf: () => [] });
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
    this.log.style.setProperty("--gutter", `${this.gutter}px`);
    this.widen();
  }

  rowsOf(line) {
    if (line.gap !== undefined || line.separator) return 1;
    const block = line.details ? line.blockRows ?? 8 : 0;
    if (!(this.wrapping || line.open)) return 1 + block;
    return Math.max(1, Math.ceil((this.indent + shownCells(line)) / this.columns)) + block;
  }

  widen() {
    const wide = this.wrapping ? 0 : this.widest * this.charWidth + this.gutter + 24;
    this.list.spacer.style.minWidth = wide > this.width ? `${Math.ceil(wide)}px` : "";
  }

  relayout() {
    if (!this.view.clientWidth) return;
    this.layout();
    this.list.reset(this.list.items, { keep: this.list.anchor() });
  }

  stop() {
    for (const timer of [this.settling, this.counting, this.saying, this.typing]) clearTimeout(timer);
    clearInterval(this.wanting);
    this.sources.stop();
    this.find.stop();
    this.list.stop();
    this.unlisten.abort();
    this.observer.disconnect();
  }
}

Object.assign(LogView.prototype, LogControls, LogFindBar, LogExport);
for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(LogRowActions))) {
  Object.defineProperty(LogView.prototype, name, property); // getters among them, which Object.assign would call
}

const VIEWS = new WeakMap();

// Streamlit calls this at the first mount and at every rerun that changes the data; the view lives on.
export default function ({ data, parentElement, setTriggerValue }) {
  speak(data.words);
  let view = VIEWS.get(parentElement);
  if (view && !view.log.isConnected) {
    view.stop();
    view = null;
  }
  if (!view) {
    trAll(parentElement);
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

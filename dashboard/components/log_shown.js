// Which lines are shown, in two steps: what the chips and the folds let through, then what is found, with its context.

class ShownLines {
  // view: store, find, levels, streams, folding, heldFrom (arrivals from here on are not shown, while paused)
  constructor(view) {
    this.view = view;
    this.round = 0;
  }

  all() {
    this.round++;
    return this.derived(0, { lastShown: null, after: 0, skipped: false });
  }

  // What the list must show from some place on, because `store.lines` has changed from `place` on: {keep, items},
  // the first `keep` items of `shown` stay. With context a new hit brings back lines before it.
  tail(place, shown) {
    this.round++;
    const context = this.context;
    let start = place, after = 0;
    for (let left = context; left > 0 && start > 0; ) if (this.lets(this.view.store.lines[--start])) left--;
    for (let left = context, i = start; left > 0 && i > 0; ) {
      const line = this.view.store.lines[--i];
      if (!this.lets(line) || (isTold(line) && !this.view.find.hits(line))) continue;
      if (this.view.find.hits(line)) { after = left; break; }
      left--;
    }
    const keep = this.keptBefore(shown, start);
    let last = start - 1;
    while (last >= 0 && !this.lets(this.view.store.lines[last])) last--;
    const skipped = context > 0 && last >= 0 && shown[keep - 1] !== this.view.store.lines[last];
    return { keep, items: this.derived(start, { lastShown: shown[keep - 1] ?? null, after, skipped }) };
  }

  keptBefore(shown, start) {
    const pos = this.view.store.base + start - 0.5; // a separator stands between two lines
    let low = 0, high = shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (shown[middle].pos < pos) low = middle + 1; else high = middle;
    }
    return low;
  }

  get filtering() { return this.view.find.active && this.view.find.filtering; }
  get context() { return this.filtering ? this.view.find.context : 0; }

  derived(start, { lastShown, after, skipped }) {
    const { store: { lines }, find } = this.view, filtering = this.filtering, context = this.context;
    const items = [], nearby = []; // nearby: the last lines that were not shown, should a hit follow
    const put = (line, dim) => {
      if (line.gap === undefined && Boolean(line.dim) !== dim) { line.dim = dim; line.stale = true; }
      items.push(line);
      lastShown = line;
    };
    for (let i = start; i < lines.length; i++) {
      const line = lines[i];
      if (!this.lets(line)) continue;
      const hit = !filtering || find.hits(line);
      if (hit || isTold(line) || this.opened(line)) {
        if (context) {
          if (!hit && nearby.length) { nearby.length = 0; skipped = true; }
          if (lastShown && skipped) items.push(separatorBefore(nearby[0] ?? line));
          for (const near of nearby) put(near, true);
          nearby.length = 0;
          skipped = false;
          if (hit) after = context;
        }
        put(line, !hit && !isTold(line));
      } else if (after > 0) {
        after--;
        put(line, true);
      } else if (context) {
        nearby.push(line);
        if (nearby.length > context) { nearby.shift(); skipped = true; }
      }
    }
    return items;
  }

  // --- chips and folds ---
  lets(line) {
    const { view } = this;
    if (line.source.hidden || line.arrival >= view.heldFrom) return false;
    // The console's own word on a container (a restart, lines that are lost) is never filtered away
    if (isTold(line)) return true;
    return view.levels.has(line.level) && view.streams.has(line.stream) && !this.folded(line);
  }

  folded(line) {
    const { trace } = line;
    if (!trace || line === trace.head || line === trace.last || !this.view.folding) return false;
    return foldable(trace) && trace.head.pos >= this.view.store.base && !this.isOpen(trace);
  }

  // As the reader said; without a word, where something is found in what the fold would hide.
  isOpen(trace) {
    if (trace.open !== null) return trace.open;
    const { find } = this.view;
    if (!find.active || find.inverted) return false;
    if (trace.round !== this.round) {
      trace.round = this.round;
      trace.found = trace.lines.some((line) => line.hit === true && line !== trace.head && line !== trace.last);
    }
    return trace.found;
  }

  // In a filtered list, a trace that the reader has opened is shown whole under its head.
  opened(line) {
    return Boolean(line.trace) && line.trace.open === true && this.view.folding && this.view.find.hits(line.trace.head);
  }
}

const isTold = (line) => line.gap !== undefined || line.stream === "engine";

function separatorBefore(line) {
  return { separator: true, source: NO_SOURCE, text: "", pos: line.pos - 0.5, rows: 1 };
}

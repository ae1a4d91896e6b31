// What one can do with a row, by pointer and by keys: open it, fold its trace, copy its link, go from row to row.

const LogRowActions = {
  // --- what a row asks when it is painted ---
  get several() { return this.sources.several; },
  marksOf(line) { return this.find.marksOf(line); },
  isOpen(trace) { return this.shown.isOpen(trace); },

  onOpen(line) {
    line.open = !line.open;
    this.resized(line);
  },

  onDetails(line) {
    line.details = !line.details;
    this.resized(line);
  },

  onFold(trace) {
    trace.open = !this.shown.isOpen(trace);
    trace.head.stale = true;
    // The reader looks at this row: it stays where it is, though a list that follows would run to its end.
    this.list.follow(false);
    this.showFrom(Math.max(0, this.store.placeOf(trace.head)), Infinity);
    this.countSoon();
  },

  async onLink(line) {
    const done = await toClipboard(addressOf(line, this.sources));
    this.say(done
      ? tr("Copied the link to {line}", { line: lineName(line) }) : tr("The browser did not allow it: copy the page’s address"));
  },

  resized(line) {
    line.stale = true;
    this.list.follow(false);
    const place = this.list.placeOf(line);
    if (place >= 0) this.list.resize(line, place, this.rowsOf(line));
    this.list.repaint();
  },

  // --- keys ---
  rowFocused(event) {
    const row = event.target.closest(".row");
    if (row === this.focusRow) return;
    for (const button of this.focusRow?.querySelectorAll("button") ?? []) button.tabIndex = -1;
    for (const button of row?.querySelectorAll("button") ?? []) button.tabIndex = 0;
    this.focusRow = row;
    this.list.invalidate();
  },

  itemOf(row) { return this.list.items[this.list.first + [...this.list.window.children].indexOf(row)]; },

  // True when the key was for the list.
  rowKey(event) {
    const target = event.composedPath()[0], row = target.closest?.(".row");
    if (!this.view.contains(target)) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.moveRow(row, event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "End") { this.toNewest(); this.view.focus({ preventScroll: true }); }
    else if (event.key === "Enter" && target === row) this.openRow(this.itemOf(row));
    else return false;
    return true;
  },

  moveRow(row, step) {
    const { list } = this, { items } = list, top = this.view.scrollTop;
    const here = row ? list.placeOf(this.itemOf(row)) : null;
    let place = here !== null ? here + step
      : step > 0 ? list.indexAt(top + list.rowHeight - 1) : list.indexAt(top + this.view.clientHeight - list.rowHeight);
    while (items[place]?.separator) place += step;
    if (!items[place]) return;
    list.focus(items[place]);
    if (place === items.length - 1 && this.live && !this.paused) list.follow(true);
  },

  openRow(line) {
    if (!line || line.gap !== undefined) return;
    if (line.trace?.head === line && this.folding && foldable(line.trace)) this.onFold(line.trace);
    else if (jsonOf(line)) this.onDetails(line);
    else if (line.text.length > SHOWN_CHARS) this.onOpen(line);
  },
};

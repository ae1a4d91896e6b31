// A virtual list of rows of unlike height: only what is in sight is in the document.

const OVERSCAN = 12;

class VirtualList {
  // scroller: the element that scrolls; paint(row, item): fills a row; measure(item): its estimated text rows.
  // Items are sorted by their `pos`; one whose `stale` is set is painted anew.
  constructor(scroller, { paint, measure, onFollow }) {
    this.scroller = scroller;
    this.spacer = scroller.querySelector(".spacer");
    this.window = scroller.querySelector(".window");
    this.paint = paint;
    this.measure = measure;
    this.onFollow = onFollow;
    this.items = [];
    this.ends = []; // ends[i]: text rows from the top to the end of item i
    this.first = this.last = 0; // items in the document: first <= i < last
    this.rowHeight = 20;
    this.following = true;
    this.top = 0;
    this.frame = 0;
    this.focused = null; // the item whose row had the focus when it left the document
    this.stopped = false;
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
  }

  get total() { return this.ends.length ? this.ends[this.ends.length - 1] : 0; }
  startOf(index) { return index > 0 ? this.ends[index - 1] : 0; }

  // Everything anew: another filter, another width, lines gone at the top.
  reset(items, { keep = null } = {}) {
    this.items = items;
    this.ends = new Array(items.length);
    let sum = 0;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      item.rows = this.measure(item);
      this.ends[i] = sum += item.rows;
    }
    this.clear();
    this.spacer.style.height = `${this.total * this.rowHeight}px`;
    if (this.following) this.toEnd();
    else if (keep) this.backTo(keep);
    this.draw();
  }

  // These instead of what follows the first `from` items. Rows that stay the same are not touched.
  replace(from, items) {
    let same = 0;
    while (from + same < this.items.length && same < items.length) {
      if (this.items[from + same] !== items[same] || items[same].stale) break;
      same++;
    }
    const start = from + same, cut = start < this.items.length;
    const anchor = cut && !this.following ? this.anchor() : null;
    if (cut) {
      if (start <= this.first) this.clear();
      while (this.last > start) this.removeRow(this.window.lastChild, --this.last);
      this.items.length = this.ends.length = start;
    }
    let sum = this.total;
    for (let i = same; i < items.length; i++) {
      const item = items[i];
      item.rows = this.measure(item);
      this.items.push(item);
      this.ends.push((sum += item.rows));
    }
    if (anchor && this.placeOf(anchor.item) !== anchor.index) {
      this.spacer.style.height = `${this.total * this.rowHeight}px`;
      this.backTo(anchor);
    }
    this.invalidate();
  }

  // Where an item stands; -1 when it is not shown.
  placeOf(item) {
    const place = this.placeAt(item.pos);
    return this.items[place] === item ? place : -1;
  }

  placeAt(pos) {
    let low = 0, high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle].pos < pos) low = middle + 1; else high = middle;
    }
    return low;
  }

  // The item at the top edge, to come back to after a reset.
  anchor() {
    const index = this.indexAt(this.scroller.scrollTop);
    const item = this.items[index];
    return item ? { item, index, offset: this.scroller.scrollTop - this.startOf(index) * this.rowHeight } : null;
  }

  // The anchor itself, or what stands in its place now that it is not shown.
  backTo({ item, offset }) {
    const place = Math.min(this.placeAt(item.pos), this.items.length - 1);
    this.scrollTo(this.startOf(place) * this.rowHeight + (this.items[place] === item ? offset : 0));
  }

  indexAt(pixels) {
    const row = pixels / this.rowHeight;
    let low = 0, high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] > row) high = middle; else low = middle + 1;
    }
    return Math.min(low, Math.max(0, this.ends.length - 1));
  }

  scrolled() {
    const top = this.scroller.scrollTop;
    const atEnd = this.scroller.scrollHeight - top - this.scroller.clientHeight < this.rowHeight * 1.5;
    // Only the reader moves it up; that the list has grown under it is no wish to stop.
    if (top < this.top - 1) this.follow(atEnd);
    else if (top > this.top + 1 && atEnd) this.follow(true);
    this.top = top;
    this.invalidate();
  }

  follow(on) {
    if (on === this.following) return;
    this.following = on;
    this.onFollow(on);
    if (on) this.invalidate();
  }

  toEnd() { this.scrollTo(this.scroller.scrollHeight); }

  scrollTo(pixels) {
    this.scroller.scrollTop = pixels;
    this.top = this.scroller.scrollTop;
  }

  // Bring an item into sight; one that is in sight already stays where it is.
  reveal(item) {
    const index = this.placeOf(item);
    if (index < 0) return false;
    this.follow(false);
    this.spacer.style.height = `${this.total * this.rowHeight}px`;
    const top = this.startOf(index) * this.rowHeight, { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop || top + item.rows * this.rowHeight > scrollTop + clientHeight) {
      this.scrollTo(Math.max(0, top - clientHeight / 3));
    }
    this.draw();
    return true;
  }

  rowOf(item) {
    const index = this.placeOf(item);
    return index >= this.first && index < this.last ? this.window.children[index - this.first] : null;
  }

  // Give a row the focus, and move the list no more than that needs.
  focus(item) {
    const index = this.placeOf(item), { scrollTop, clientHeight } = this.scroller;
    if (index < 0) return;
    this.follow(false);
    const top = this.startOf(index) * this.rowHeight, end = top + item.rows * this.rowHeight;
    if (top < scrollTop) this.scrollTo(top);
    else if (end > scrollTop + clientHeight) this.scrollTo(Math.min(top, end - clientHeight));
    this.draw();
    this.rowOf(item)?.focus({ preventScroll: true });
  }

  // Give one item another height, because it was opened or its true height was measured.
  resize(item, index, rows) {
    const difference = rows - item.rows;
    if (!difference) return;
    item.rows = rows;
    for (let i = index; i < this.ends.length; i++) this.ends[i] += difference;
  }

  invalidate() {
    if (this.frame || this.stopped) return;
    this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
  }

  repaint() { this.clear(); this.draw(); }

  clear() {
    const held = this.focusedRow();
    if (held) this.letGo(this.items[this.first + [...this.window.children].indexOf(held)] ?? null);
    this.window.replaceChildren();
    this.first = this.last = 0;
  }

  focusedRow() {
    const active = this.scroller.getRootNode().activeElement;
    return active && this.window.contains(active) ? active.closest(".row") : null;
  }

  // A row leaves while it has the focus: the list has it meanwhile, or the keys would go nowhere.
  letGo(item) {
    this.scroller.focus({ preventScroll: true });
    this.focused = item;
  }

  removeRow(row, index) {
    if (row === this.focusedRow()) this.letGo(this.items[index] ?? null);
    row.remove();
  }

  draw() {
    this.spacer.style.height = `${this.total * this.rowHeight}px`;
    if (this.following) this.toEnd();
    const top = this.scroller.scrollTop, height = this.scroller.clientHeight;
    const first = Math.max(0, this.indexAt(top) - OVERSCAN);
    const last = Math.min(this.items.length, this.indexAt(top + height) + 1 + OVERSCAN);
    this.show(first, last);
    this.window.style.transform = `translateY(${this.startOf(first) * this.rowHeight}px)`;
    if (this.measureShown()) {
      this.spacer.style.height = `${this.total * this.rowHeight}px`;
      if (this.following) this.toEnd();
      this.invalidate();
    }
  }

  // Slide the rows in the document to [first, last): those that stay are not touched, so a selection lives.
  show(first, last) {
    if (first >= this.last || last <= this.first) {
      this.clear();
      this.first = this.last = first;
    }
    while (this.first < first) this.removeRow(this.window.firstChild, this.first++);
    while (this.last > last) this.removeRow(this.window.lastChild, --this.last);
    while (this.first > first) this.window.prepend(this.row(--this.first));
    while (this.last < last) this.window.append(this.row(this.last++));
    if (this.focused) this.giveBack();
  }

  giveBack() {
    const row = this.rowOf(this.focused), active = this.scroller.getRootNode().activeElement;
    if (active !== this.scroller) this.focused = null; // the reader went elsewhere
    else if (row) { this.focused = null; row.focus({ preventScroll: true }); }
  }

  row(index) {
    const row = document.createElement("div"), item = this.items[index];
    row.setAttribute("role", "listitem");
    this.paint(row, item);
    item.stale = false;
    return row;
  }

  // Estimates give way to true heights. Every time anew: a font may come late, a line may have been opened.
  measureShown() {
    let changed = false, index = this.first;
    for (const row of this.window.children) {
      const item = this.items[index], rows = row.offsetHeight / this.rowHeight;
      if (rows && rows !== item.rows) { this.resize(item, index, rows); changed = true; }
      index++;
    }
    return changed;
  }

  stop() {
    this.stopped = true;
    cancelAnimationFrame(this.frame);
  }
}

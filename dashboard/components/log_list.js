// A virtual list of rows of unlike height: only what is in sight is in the document.

const OVERSCAN = 12;

class VirtualList {
  // scroller: the element that scrolls; paint(row, item): fills a row; measure(item): its estimated text rows.
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
    this.stopped = false;
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
  }

  get total() { return this.ends.length ? this.ends[this.ends.length - 1] : 0; }
  startOf(index) { return index > 0 ? this.ends[index - 1] : 0; }

  // Everything anew: another filter, another width, lines gone at the top.
  reset(items, { keep = null } = {}) {
    const anchor = keep && items.includes(keep.item) ? keep : null;
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
    else if (anchor) this.scrollTo(this.startOf(items.indexOf(anchor.item)) * this.rowHeight + anchor.offset);
    this.draw();
  }

  append(items) {
    let sum = this.total;
    for (const item of items) {
      item.rows = this.measure(item);
      this.items.push(item);
      this.ends.push((sum += item.rows));
    }
    this.invalidate();
  }

  // The item at the top edge, to come back to after a reset.
  anchor() {
    const index = this.indexAt(this.scroller.scrollTop);
    const item = this.items[index];
    return item ? { item, offset: this.scroller.scrollTop - this.startOf(index) * this.rowHeight } : null;
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

  reveal(item) {
    const index = this.items.indexOf(item);
    if (index < 0) return false;
    this.follow(false);
    this.spacer.style.height = `${this.total * this.rowHeight}px`;
    this.scrollTo(Math.max(0, this.startOf(index) * this.rowHeight - this.scroller.clientHeight / 3));
    this.draw();
    return true;
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
    this.window.replaceChildren();
    this.first = this.last = 0;
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
    while (this.first < first) { this.window.firstChild.remove(); this.first++; }
    while (this.last > last) { this.window.lastChild.remove(); this.last--; }
    while (this.first > first) this.window.prepend(this.row(--this.first));
    while (this.last < last) this.window.append(this.row(this.last++));
  }

  row(index) {
    const row = document.createElement("div");
    this.paint(row, this.items[index]);
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

// A chart over an axis of time: drag to zoom, click for the log lines of a moment; all of it by buttons, too.
//
// The window that is looked at is told to the server, which sends what lies in it in detail. It stays while new
// data comes in: the range is the reader's, and every drawing is given it.

const charts = new WeakMap();
const TOLD_AFTER_MS = 200; // a zoom in several steps asks the server once
const coarse = matchMedia("(pointer: coarse)");

// Moments are numbers; an axis of dates tells them as text in UTC.
const place = (value) => (typeof value === "number" ? value : Date.parse(`${String(value).replace(" ", "T")}Z`));

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.title = label;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

class TimelineChart {
  constructor(parentElement) {
    this.range = null; // what the reader looks at; null is all of it
    this.mark = null; // the mark that the buttons have come to
    this.ready = false; // whether the library has come
    Object.assign(this, makeFrame(parentElement, () => this.draw()));
    const bar = document.createElement("div");
    bar.className = "bar";
    bar.setAttribute("role", "toolbar");
    this.bar = bar;
    this.frame.insertBefore(bar, this.words);
    bar.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.step(step);
    });
  }

  take(data, tell) {
    const first = !this.data;
    this.data = data;
    this.tell = tell;
    if (first) this.range = data.window;
    prepare(this, data);
    if (first) this.label(data.labels);
    loadLibrary(data.library).then(
      () => {
        this.ready = true;
        this.draw();
      },
      (error) => { this.words.textContent = error.message; },
    );
  }

  label(labels) {
    this.bar.setAttribute("aria-label", labels.bar);
    this.bar.append(
      button("−", labels.zoom_out, () => this.zoom(2)),
      button("+", labels.zoom_in, () => this.zoom(0.5)),
      button("◀", labels.earlier, () => this.pan(-0.5)),
      button("▶", labels.later, () => this.pan(0.5)),
      button(labels.whole, labels.whole_long, () => this.look(null)),
      button(`‹ ${labels.mark}`, labels.previous, () => this.step(-1)),
      button(`${labels.mark} ›`, labels.next, () => this.step(1)),
      button(labels.lines, labels.lines_long, () => this.choose()),
    );
  }

  get whole() {
    return this.data.figure.layout.xaxis.range.map(place);
  }

  draw() {
    if (!this.ready || !this.frame.clientWidth) return;
    const { figure } = this.data;
    const layout = { ...themed(figure.layout, this.frame), width: this.frame.clientWidth };
    layout.xaxis = { ...layout.xaxis, range: [...(this.range ?? this.whole)], autorange: false };
    for (const name of Object.keys(layout)) {
      if (/^yaxis\d*$/.test(name)) layout[name] = { ...layout[name], fixedrange: true };
    }
    // A finger scrolls the page; it zooms by the buttons
    layout.dragmode = coarse.matches ? false : "zoom";
    layout.xaxis.fixedrange = coarse.matches;
    layout.clickanywhere = true;
    layout.shapes = [...(figure.layout.shapes ?? []), ...this.cursors()];
    this.react(figure.data, layout, { displayModeBar: false, scrollZoom: false, doubleClick: false });
    if (this.heard) return;
    this.heard = true;
    this.plot.on("plotly_relayout", (changed) => {
      const [from, to] = [changed["xaxis.range[0]"], changed["xaxis.range[1]"]];
      if (from !== undefined && to !== undefined) this.look([place(from), place(to)]);
    });
    this.plot.on("plotly_doubleclick", () => this.look(null));
    this.plot.on("plotly_click", (event) => {
      const point = event.points?.[0];
      // On a bar it is the moment under the pointer that is asked for, not the bar's beginning
      const [line] = (point?.data.type === "bar" ? null : point?.customdata) ?? [null];
      const mark = point?.data.type === "bar" ? undefined : point?.data.x?.[point.pointIndex];
      const at = mark ?? event.xvals?.[0] ?? point?.x;
      if (at !== undefined && at !== null) this.show({ at: place(at), line: line ?? null });
    });
  }

  cursors() {
    const ink = getComputedStyle(this.frame).getPropertyValue("--st-text-color").trim();
    const line = (x, dash) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper",
      line: { color: ink, width: 1.5, dash } });
    const lines = [];
    if (this.data.moment !== null) lines.push(line(this.data.moment, "solid"));
    if (this.mark) lines.push(line(this.mark.at, "dot"));
    return lines;
  }

  look(range) {
    const [begin, end] = this.whole;
    // All of it and somewhat more is all of it: then new data widens the picture again
    if (range && range[0] <= begin && range[1] >= end) range = null;
    this.range = range;
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell("window", range && { begin: range[0], end: range[1] }), TOLD_AFTER_MS);
  }

  zoom(factor) {
    const [begin, end] = this.range ?? this.whole;
    const middle = this.mark ? this.mark.at : (begin + end) / 2;
    const half = ((end - begin) * factor) / 2;
    this.look([middle - half, middle + half]);
  }

  pan(share) {
    const [begin, end] = this.range ?? this.whole;
    const step = (end - begin) * share;
    this.look([begin + step, end + step]);
  }

  // The marks in sight, in the order of time
  marks() {
    const [begin, end] = this.range ?? this.whole;
    const found = [];
    for (const trace of this.data.figure.data) {
      (trace.customdata ?? []).forEach(([line, words], index) => {
        const at = place((trace.base ?? trace.x)[index]);
        if (at >= begin && at <= end) found.push({ at, line, words: `${trace.y[index]}: ${words}` });
      });
    }
    return found.sort((one, other) => one.at - other.at);
  }

  step(by) {
    const marks = this.marks();
    if (!marks.length) return;
    const old = marks.findIndex((each) => each.at === this.mark?.at && each.words === this.mark?.words);
    const next = old < 0 ? (by > 0 ? 0 : marks.length - 1) : Math.min(Math.max(old + by, 0), marks.length - 1);
    this.mark = marks[next];
    this.words.textContent = `${next + 1} / ${marks.length} · ${this.mark.words}`;
    this.draw();
  }

  choose() {
    if (!this.mark) this.step(1);
    if (this.mark) this.show({ at: this.mark.at, line: this.mark.line });
  }

  show(moment) {
    this.tell("moment", { ...moment, asked: Date.now() });
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let chart = charts.get(parentElement);
  if (!chart) {
    chart = new TimelineChart(parentElement);
    charts.set(parentElement, chart);
  }
  chart.take(data, (what, value) => (what === "window" ? setStateValue : setTriggerValue)(what, value));
  return () => {
    clearTimeout(chart.timer);
    chart.end();
    charts.delete(parentElement);
  };
}

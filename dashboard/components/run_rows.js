// The variants of a trial as bars on one time axis: only the rows in sight exist, so a thousand stay smooth.

const KINDS = {
  w: { name: () => tr("Waiting"), css: "waiting" },
  l: { name: () => tr("Loading"), css: "loading" },
  a: { name: () => tr("Answering"), css: "answering" },
};
const LEGEND = () => [
  ["planned", tr("Planned")],
  ["waiting", tr("Waiting")],
  ["loading", tr("Loading")],
  ["ready", tr("Answering")],
  ["answered", tr("Answered")],
  ["failed", tr("Failed")],
];

function niceStep(span, ticks) {
  const raw = span / ticks;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].find((factor) => factor * power >= raw) * power;
}

function secondsText(value, step) {
  if (value === 0) return "0";
  if (step < 0.0995) return tr("{value} ms", { value: Math.round(value * 1000) });
  return tr("{value} s", { value: value.toFixed(step < 0.995 ? 1 : 0) });
}

function el(tag, css, text) {
  const node = document.createElement(tag);
  if (css) node.className = css;
  if (text !== undefined) node.textContent = text;
  return node;
}

function makeRows(root) {
  const ROW = 26;
  const MOST_IN_SIGHT = 14;
  const SPARE = 6;
  const legend = el("div", "legend");
  const axis = el("div", "axis");
  const scroller = el("div", "rows");
  const sheet = el("div", "sheet");
  const counts = new Map();
  const pool = new Map();
  let rows = [];
  let domain = 1;
  let clock = () => null;

  for (const [state, name] of LEGEND()) {
    const item = el("span", `key ${state}`);
    const count = el("b", "", "0");
    item.append(el("i", "swatch"), el("span", "", name), count);
    counts.set(state, [item, count]);
    legend.append(item);
  }
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "list");
  scroller.append(sheet);
  scroller.addEventListener("scroll", () => draw(), { passive: true });
  root.append(legend, axis, scroller);

  function endOf(row, now) {
    const last = row.spans[row.spans.length - 1];
    return last ? (last[2] ?? Math.max(now ?? last[1], last[1])) : 0;
  }

  function rescale(now) {
    let end = 0;
    for (const row of rows) end = Math.max(end, endOf(row, now));
    if (end === 0) end = 1; // nothing has been released: an axis to look at, no more
    // Growing in steps, so that bars do not creep together on every frame while the run goes on.
    const wanted = now === null ? end * 1.02 : niceStep(end * 1.15, 6) * 6;
    if (now === null || wanted > domain || wanted < domain / 2) domain = wanted;
    const step = niceStep(domain, scroller.clientWidth < 560 ? 3 : 7);
    const ticks = [];
    for (let at = 0; at <= domain * 1.0001; at += step) ticks.push(at);
    const key = `${domain}/${step}`;
    if (axis.dataset.key === key) return;
    axis.dataset.key = key;
    const track = el("div", "ticks");
    for (const at of ticks) {
      const tick = el("span", at / domain > 0.93 ? "tick last" : "tick", secondsText(at, step));
      tick.style.left = `${(at / domain) * 100}%`;
      track.append(tick);
    }
    axis.replaceChildren(el("span", "corner", tr("since release")), track, el("span", "corner"));
    sheet.style.setProperty("--step", `${(step / domain) * 100}%`);
  }

  function place(bar, start, end) {
    const left = Math.min(Math.max((start / domain) * 100, 0), 100);
    bar.style.left = `${left}%`;
    bar.style.width = `max(2px, ${Math.max(Math.min((end / domain) * 100, 100) - left, 0)}%)`;
  }

  function paint(node, row, index, now) {
    const key = `${row.id}|${row.state}|${row.words}|${domain}|${JSON.stringify(row.spans)}`;
    const open = row.spans.length > 0 && row.spans[row.spans.length - 1][2] === null;
    node.style.transform = `translateY(${index * ROW}px)`;
    if (node.dataset.key !== key) {
      node.dataset.key = key;
      node.className = `row ${row.state}`;
      node.children[0].textContent = row.name;
      node.children[0].title = row.id;
      node.children[2].textContent = row.words;
      node.children[2].title = row.words;
      // A load that failed is told from one that failed later, with its model at hand.
      const broken = row.state === "failed" && !row.spans.some(([kind]) => kind === "a");
      const parts = row.spans.map(([kind, start, end]) => {
        const bar = el("i", `bar ${broken && kind === "l" ? "broken" : KINDS[kind].css}`);
        bar.title = `${KINDS[kind].name()}${end === null ? "" : `: ${Math.round((end - start) * 1000)} ms`}`;
        place(bar, start, end ?? now ?? start);
        return bar;
      });
      node.children[1].replaceChildren(...parts);
      node.setAttribute("aria-posinset", index + 1);
      node.setAttribute("aria-setsize", rows.length);
    } else if (open && now !== null) {
      const [, start] = row.spans[row.spans.length - 1];
      place(node.children[1].lastChild, start, Math.max(now, start));
    }
  }

  function draw() {
    const now = clock();
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - SPARE);
    const last = Math.min(rows.length, first + MOST_IN_SIGHT + 2 * SPARE);
    for (const [index, node] of pool) {
      if (index < first || index >= last) {
        node.remove();
        pool.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) {
      let node = pool.get(index);
      if (!node) {
        node = el("div", "row");
        node.setAttribute("role", "listitem");
        node.append(el("span", "name"), el("span", "track"), el("span", "words"));
        pool.set(index, node);
        sheet.append(node);
      }
      paint(node, rows[index], index, now);
    }
  }

  return {
    /** Show these rows; `now()` tells the seconds since release, or null when nothing moves any more. */
    show(next, now) {
      rows = next;
      clock = now;
      sheet.style.height = `${rows.length * ROW}px`;
      scroller.style.height = `${Math.min(rows.length, MOST_IN_SIGHT) * ROW}px`;
      scroller.setAttribute("aria-label", `${rows.length} variants, a bar each, in seconds since the release`);
      const tally = {};
      for (const row of rows) tally[row.state] = (tally[row.state] ?? 0) + 1;
      for (const [state, [item, count]] of counts) {
        count.textContent = (tally[state] ?? 0).toLocaleString("en");
        item.classList.toggle("none", !tally[state]);
      }
      rescale(clock());
      draw();
    },
    /** Move what grows with time. */
    tick() {
      rescale(clock());
      draw();
    },
    resize() {
      axis.dataset.key = "";
      rescale(clock());
      draw();
    },
  };
}

// The matrix of a sweep: drawn anew from each view. Every text goes in as text, never as HTML.

const made = (tag, className, ...inside) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...inside);
  return element;
};

const cellOf = (cell, onOpen) => {
  const mark = made("span", "mark", cell.icon);
  mark.setAttribute("aria-hidden", "true");
  const words = made("span", "words", cell.words);
  const note = made("small", "", cell.note);
  const box = cell.run ? made("button", "cell", mark, words, note) : made("div", "cell", mark, words, note);
  if (cell.run) {
    box.type = "button";
    box.title = tr("Open run {run}", { run: cell.run });
    box.addEventListener("click", () => onOpen(cell.run));
  }
  return made("td", cell.tone, box);
};

export default function ({ parentElement, data, setTriggerValue }) {
  speak(data.said);
  const onOpen = (run) => setTriggerValue("open", run);
  const banner = made("section", `banner ${data.tone}`);
  const mark = made("span", "mark", data.icon);
  mark.setAttribute("aria-hidden", "true");
  banner.append(made("h2", "", mark, data.headline));
  if (data.message) banner.append(made("p", "", data.message));
  for (const text of data.reasons) banner.append(made("p", "", text));

  const corner = made("th", "", "");
  corner.setAttribute("aria-hidden", "true");
  const head = made("tr", "", corner, ...data.columns.map((name) => {
    const cell = made("th", "", name);
    cell.scope = "col";
    return cell;
  }));
  const rows = data.rows.map((row) => {
    const name = made("th", row.must ? "must" : "", made("span", "", row.label), made("small", "", row.expected));
    name.scope = "row";
    return made("tr", "", name, ...row.cells.map((cell) => cellOf(cell, onOpen)));
  });
  const table = made("table", "", made("thead", "", head), made("tbody", "", ...rows));
  const scroll = made("div", "scroll", table);
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", tr("What came out for each number of variants, guard and state"));

  const root = parentElement.querySelector(".sweep");
  const place = root ?? made("div", "sweep");
  const left = root?.querySelector(".scroll")?.scrollLeft ?? 0;
  place.replaceChildren(banner, scroll);
  if (!root) parentElement.append(place);
  scroll.scrollLeft = left; // a refresh must not undo the reader's place
}

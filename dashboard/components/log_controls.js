// The controls around the list: chips, options, keys, and the words about the connection and the numbers.

const levelWords = () => ({
  error: tr("Errors"), warning: tr("Warnings"), info: tr("Info"), debug: tr("Debug"), other: tr("Other"),
});
const PREFERENCES = "loadonce.log_view";
const COUNT_MS = 100;

const LogControls = {
  build() {
    for (const level of LEVELS) this.part(".levels").append(this.chip(level, levelWords()[level], this.levels));
    for (const stream of ["stdout", "stderr"]) this.part(".streams").append(this.chip(stream, stream, this.streams));
    const kept = readPreferences();
    this.setTimes(kept.times ?? true);
    this.setWrapping(kept.wrap ?? this.view.clientWidth < 560);
    this.setFolding(kept.fold ?? true);
    this.notices = { find: "", link: "" };
  },

  chip(name, words, chosen) {
    const chip = toggleChip(`chip ${name}`, words, () => {
      const on = !chosen.has(name);
      if (on) chosen.add(name); else chosen.delete(name);
      chip.setAttribute("aria-pressed", on);
      this.refill();
    });
    chip.dataset.name = name;
    if (LETTERS[name]) chip.prepend(span("letter", LETTERS[name]));
    return chip;
  },

  // One chip for each source, where there are several.
  showSources() {
    const { all, several } = this.sources, bar = this.part(".sources");
    bar.hidden = !several;
    this.log.classList.toggle("several", several);
    this.log.style.setProperty("--source-cells", Math.min(22, Math.max(...all.map((source) => cellsOf(source.label)), 1)));
    if (!several) for (const source of all) source.hidden = false;
    bar.querySelector(".chips").replaceChildren(...(several ? all : []).map((source) => {
      const chip = toggleChip(`source-chip hue-${source.hue}`, source.label, () => {
        source.hidden = !source.hidden;
        chip.setAttribute("aria-pressed", !source.hidden);
        this.refill();
      });
      chip.setAttribute("aria-pressed", !source.hidden);
      chip.prepend(span("swatch", ""));
      chip.querySelector(".figure").before(span("fares", ""));
      return chip;
    }));
    this.showState();
  },

  listen() {
    this.unlisten = new AbortController();
    const on = (target, type, act) => target.addEventListener(type, act, { signal: this.unlisten.signal });
    const press = (selector, act) => on(this.part(selector), "click", act);
    this.listenFind(on, press);
    this.listenExport(on, press);
    press(".pause", () => this.setPaused(!this.paused));
    press(".newest", () => { this.toNewest(); this.view.focus({ preventScroll: true }); });
    press(".empty button", () => this.showEverything());
    press(".times", () => this.setTimes(!this.timed));
    press(".wrap", () => this.setWrapping(!this.wrapping));
    press(".fold-traces", () => this.setFolding(!this.folding));
    press(".more", (event) => {
      const open = this.log.classList.toggle("open");
      event.currentTarget.setAttribute("aria-expanded", open);
    });
    on(this.view, "focusin", (event) => this.rowFocused(event));
    on(this.view, "focusout", () => this.list.invalidate()); // on a phone a row is higher while it has the focus
    on(this.log, "keydown", (event) => this.pressed(event));
    on(document, "keydown", (event) => {
      if (event.target === document.body && isPlainKey(event, "/")) this.toFind(event);
    });
    this.observer = new ResizeObserver(() => { if (this.view.clientWidth !== this.width) this.relayout(); else this.list.invalidate(); });
    this.observer.observe(this.view);
    on(document.fonts, "loadingdone", () => this.relayout()); // other letters, other widths
  },

  pressed(event) {
    const target = event.composedPath()[0];
    // The page has shortcuts of its own (r, c) that must not fire while somebody types here.
    event.stopPropagation();
    if (this.findKey(event, target) || this.menuKey(event, target)) return;
    if (["INPUT", "SELECT"].includes(target.tagName)) return;
    const onButton = target.tagName === "BUTTON";
    if (isPlainKey(event, "/")) this.toFind(event);
    else if (isPlainKey(event, "n")) this.toHit(1);
    else if (isPlainKey(event, "N")) this.toHit(-1);
    else if (event.key === "Escape") this.clearFind();
    else if (event.key === " " && !onButton && this.live) this.setPaused(!this.paused);
    else if (!this.rowKey(event)) return;
    event.preventDefault();
  },

  setTimes(on) { this.setLook("times", "timed", on, ".times"); },
  setWrapping(on) { this.setLook("wrap", "wrapping", on, ".wrap"); },
  setFolding(on) { this.setLook("fold", "folding", on, ".fold-traces"); },

  setLook(preference, property, on, selector) {
    this[property] = on;
    this.part(selector).setAttribute("aria-pressed", on);
    this.log.classList.toggle({ timed: "timed", wrapping: "wrapped", folding: "folded" }[property], on);
    if (!this.unlisten) return; // being built: nothing was chosen
    writePreferences({ [preference]: on });
    if (property === "folding") this.refill();
    this.relayout();
  },

  showState() {
    this.log.dataset.state = this.sources.state;
    this.part(".state-words").textContent = this.sources.words;
    const chips = this.part(".sources .chips").children;
    this.sources.all.forEach((source, index) => {
      const fares = chips[index]?.querySelector(".fares");
      if (fares) fares.textContent = source.state === "live" ? "" : stateWords()[source.state];
      if (chips[index]) chips[index].title = source.reason;
    });
    this.showEmpty();
  },

  // Twenty batches a second need no twenty counts of everything.
  countSoon() {
    this.counting ??= setTimeout(() => this.showCounts(), COUNT_MS);
  },

  showCounts() {
    clearTimeout(this.counting);
    this.counting = null;
    const { counts, streamCounts } = this.store;
    for (const chip of this.root.querySelectorAll(".chip")) {
      const count = counts[chip.dataset.name] ?? streamCounts[chip.dataset.name] ?? 0;
      chip.querySelector(".figure").textContent = number(count);
      chip.classList.toggle("none", count === 0);
    }
    const chips = this.part(".sources .chips").children;
    this.sources.all.forEach((source, index) => {
      if (chips[index]) chips[index].querySelector(".figure").textContent = number(source.count);
    });
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    let shown = 0, hits = 0, nth = 0;
    for (const line of this.list.items) {
      if (line.gap !== undefined || line.separator) continue;
      shown++;
      if (!this.find.hits(line)) continue;
      hits++;
      if (line === this.current) nth = hits;
    }
    const narrowed = this.shown.filtering || this.levels.size < LEVELS.length || this.streams.size < 2
      || this.sources.all.some((source) => source.hidden);
    this.part(".count").textContent = narrowed ? tr("{part} of {lines}", { part: number(shown), lines: linesOf(all) }) : linesOf(all);
    this.showHits(hits, nth);
  },

  showNewest() {
    const button = this.part(".newest");
    if (this.list.following) this.unseen = 0;
    const held = this.paused ? this.store.arrived - this.heldFrom : this.unseen;
    button.hidden = this.list.following || (!this.live && !this.paused && this.list.items.length === 0);
    this.log.classList.toggle("paused", this.paused);
    const fresh = held ? tr(held === 1 ? "{count} new line" : "{count} new lines", { count: number(held) }) : "";
    const words = this.paused ? [tr("Paused"), fresh, tr("Jump to newest")] : [fresh, tr("Jump to newest")];
    button.textContent = `${words.filter(Boolean).join(" · ")} ↓`;
  },

  showEmpty() {
    const empty = this.part(".empty"), held = this.store.lines.length > 0;
    empty.hidden = this.list.items.length > 0;
    empty.querySelector("button").hidden = !held;
    empty.querySelector("p").textContent = held
      ? tr("No line passes the filter.")
      : this.sources.allEnded ? tr("This log holds no lines.") : tr("Waiting for the first line…");
  },

  showEverything() {
    this.levels = new Set(LEVELS);
    this.streams = new Set(["stdout", "stderr"]);
    for (const source of this.sources.all) source.hidden = false;
    for (const chip of this.root.querySelectorAll(".options .chip, .source-chip")) chip.setAttribute("aria-pressed", "true");
    this.clearFind();
  },

  // A sentence over the list that stays until its cause is gone: about the search, or about a link's line.
  notice(about, words) {
    if (this.notices[about] === words) return;
    this.notices[about] = words;
    const strip = this.part(".notice"), sentence = this.notices.find || this.notices.link;
    strip.hidden = !sentence;
    strip.firstElementChild.textContent = sentence;
  },

  say(words) {
    const said = this.part(".said");
    said.textContent = words;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { said.textContent = ""; }, 4000);
  },
};

function toggleChip(className, words, act) {
  const chip = document.createElement("button");
  chip.type = "button";
  chip.className = className;
  chip.setAttribute("aria-pressed", "true");
  chip.append(span("word", words), span("figure", ""));
  chip.addEventListener("click", act);
  return chip;
}

const isPlainKey = (event, key) => event.key === key && !event.ctrlKey && !event.metaKey && !event.altKey;

function readPreferences() {
  try { return JSON.parse(localStorage.getItem(PREFERENCES)) ?? {}; } catch { return {}; }
}

function writePreferences(change) {
  try { localStorage.setItem(PREFERENCES, JSON.stringify({ ...readPreferences(), ...change })); } catch { /* private mode */ }
}

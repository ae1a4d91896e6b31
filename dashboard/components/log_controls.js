// The controls around the list: chips, filter, keys, copy and download, and the words about the connection.

const STATE_WORDS = {
  connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…", ended: "Ended",
};
const LEVEL_WORDS_SHOWN = { error: "Errors", warning: "Warnings", info: "Info", debug: "Debug", other: "Other" };
const PREFERENCES = "loadonce.log_view";
const FILTER_DELAY_MS = 120;
const COPY_LIMIT = 16 * 1024 * 1024;
const number = (value) => value.toLocaleString("en");
const linesOf = (count) => `${number(count)} ${count === 1 ? "line" : "lines"}`;

const LogControls = {
  build() {
    for (const level of LEVELS) this.find(".levels").append(this.chip(level, LEVEL_WORDS_SHOWN[level], this.levels));
    for (const stream of ["stdout", "stderr"]) this.find(".streams").append(this.chip(stream, stream, this.streams));
    const kept = readPreferences();
    this.setTimes(kept.times ?? true);
    this.setWrapping(kept.wrap ?? this.view.clientWidth < 560);
  },

  chip(name, words, chosen) {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = `chip ${name}`;
    chip.dataset.name = name;
    chip.setAttribute("aria-pressed", "true");
    if (LETTERS[name]) chip.append(span("letter", LETTERS[name]));
    chip.append(span("word", words), span("figure", ""));
    chip.addEventListener("click", () => {
      const on = !chosen.has(name);
      if (on) chosen.add(name); else chosen.delete(name);
      chip.setAttribute("aria-pressed", on);
      this.refill();
    });
    return chip;
  },

  listen() {
    this.unlisten = new AbortController();
    const on = (target, type, act) => target.addEventListener(type, act, { signal: this.unlisten.signal });
    const press = (selector, act) => on(this.find(selector), "click", act);
    const filter = this.find(".filter");
    let typing = 0;
    on(filter, "input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.setNeedle(filter.value), FILTER_DELAY_MS);
    });
    press(".clear", () => { filter.value = ""; this.setNeedle(""); filter.focus(); });
    press(".invert", (event) => {
      this.inverted = !this.inverted;
      event.currentTarget.setAttribute("aria-pressed", this.inverted);
      if (this.pattern) this.refill();
    });
    press(".pause", () => this.setPaused(!this.paused));
    press(".newest", () => { this.toNewest(); this.view.focus({ preventScroll: true }); });
    press(".empty button", () => this.showEverything(null));
    press(".copy", () => this.copy());
    press(".download", () => this.download());
    press(".times", () => this.setTimes(!this.timed));
    press(".wrap", () => this.setWrapping(!this.wrapping));
    press(".more", (event) => {
      const open = this.log.classList.toggle("open");
      event.currentTarget.setAttribute("aria-expanded", open);
    });
    on(this.log, "keydown", (event) => this.pressed(event));
    on(document, "keydown", (event) => {
      if (event.target === document.body && isSlash(event)) this.toFilter(event);
    });
    this.observer = new ResizeObserver(() => { if (this.view.clientWidth !== this.width) this.relayout(); else this.list.invalidate(); });
    this.observer.observe(this.view);
    on(document.fonts, "loadingdone", () => this.relayout()); // other letters, other widths
  },

  pressed(event) {
    const typing = event.composedPath()[0] === this.find(".filter");
    // The page has shortcuts of its own (r, c) that must not fire while somebody types here.
    event.stopPropagation();
    if (typing && event.key === "Escape") {
      this.find(".filter").value = "";
      this.setNeedle("");
    } else if (!typing && isSlash(event)) this.toFilter(event);
    else if (event.key === " " && event.composedPath()[0] === this.view && this.live) {
      event.preventDefault();
      this.setPaused(!this.paused);
    }
  },

  toFilter(event) {
    event.preventDefault();
    this.find(".filter").focus();
    this.find(".filter").select();
  },

  setTimes(on) {
    this.timed = on;
    this.find(".times").setAttribute("aria-pressed", on);
    this.log.classList.toggle("timed", on);
    this.preferenceSet({ times: on });
  },

  setWrapping(on) {
    this.wrapping = on;
    this.find(".wrap").setAttribute("aria-pressed", on);
    this.log.classList.toggle("wrapped", on);
    this.preferenceSet({ wrap: on });
  },

  preferenceSet(change) {
    if (!this.unlisten) return; // being built: nothing was chosen
    writePreferences(change);
    this.relayout();
  },

  showState(state, reason) {
    if (state !== this.state) this.log.dataset.state = state;
    this.state = state;
    this.find(".state-words").textContent = reason ? `${STATE_WORDS[state]}: ${reason}` : STATE_WORDS[state];
    this.showEmpty();
  },

  showCounts() {
    for (const chip of this.root.querySelectorAll(".chip")) {
      const count = this.counts[chip.dataset.name] ?? this.streamCounts[chip.dataset.name] ?? 0;
      chip.querySelector(".figure").textContent = number(count);
      chip.classList.toggle("none", count === 0);
    }
    const all = Object.values(this.counts).reduce((sum, count) => sum + count, 0);
    const shown = this.list.items.reduce((sum, line) => sum + (line.gap === undefined), 0);
    const narrowed = this.pattern || this.levels.size < LEVELS.length || this.streams.size < 2;
    this.find(".count").textContent = narrowed ? `${number(shown)} of ${linesOf(all)}` : linesOf(all);
    this.find(".matches").textContent = this.pattern ? `${number(shown)} ${shown === 1 ? "match" : "matches"}` : "";
    this.find(".clear").hidden = !this.needle;
  },

  showNewest() {
    const button = this.find(".newest");
    const held = this.paused ? this.lines.length - this.heldFrom : this.unseen;
    if (this.list.following) this.unseen = 0;
    button.hidden = this.list.following || (!this.live && !this.paused && this.list.items.length === 0);
    this.log.classList.toggle("paused", this.paused);
    const fresh = held ? `${number(held)} new ${held === 1 ? "line" : "lines"}` : "";
    const words = this.paused ? ["Paused", fresh, "Jump to newest"] : [fresh, "Jump to newest"];
    button.textContent = `${words.filter(Boolean).join(" · ")} ↓`;
  },

  showEmpty() {
    const empty = this.find(".empty"), filtered = this.lines.length > 0;
    empty.hidden = this.list.items.length > 0;
    empty.querySelector("button").hidden = !filtered;
    empty.querySelector("p").textContent = filtered
      ? "No line passes the filter."
      : this.state === "ended" ? "This log holds no lines." : "Waiting for the first line…";
  },

  say(words) {
    const said = this.find(".said");
    said.textContent = words;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { said.textContent = ""; }, 4000);
  },

  async copy() {
    const shown = this.list.items, texts = [];
    let size = 0;
    for (const line of shown) {
      size += line.text.length + 1;
      if (size > COPY_LIMIT) { this.say(`Too much to copy at once: filter, or use Download`); return; }
      texts.push(line.text);
    }
    const done = await toClipboard(texts.join("\n") + "\n");
    this.say(done ? `Copied ${linesOf(texts.length)}` : "The browser did not allow it: use Download");
  },

  download() {
    const raw = this.lines.map((line) => line.raw + "\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(raw, { type: "text/plain;charset=utf-8" }));
    link.download = `loadonce-${this.run}-${this.source}.log`.replace(/[^\w.-]+/g, "-");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    this.say(`Saved ${linesOf(raw.length)}`);
  },
};

const isSlash = (event) => event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without HTTPS, but for loopback, there is no clipboard API; the old way still works.
    const area = document.createElement("textarea");
    area.value = text;
    area.style.cssText = "position:fixed;opacity:0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

function readPreferences() {
  try { return JSON.parse(localStorage.getItem(PREFERENCES)) ?? {}; } catch { return {}; }
}

function writePreferences(change) {
  try { localStorage.setItem(PREFERENCES, JSON.stringify({ ...readPreferences(), ...change })); } catch { /* private mode */ }
}

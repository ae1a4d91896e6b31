// The search's controls: the field, filter or highlight, pattern, inverse, context, and the way from hit to hit.

const FIND_DELAY_MS = 120;

const LogFindBar = {
  listenFind(on, press) {
    const field = this.part(".filter");
    this.regex = false;
    on(field, "input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.look(), FIND_DELAY_MS);
    });
    press(".clear", () => { this.clearFind(); field.focus(); });
    press(".previous", () => this.toHit(-1));
    press(".next", () => this.toHit(1));
    press(".filtering", () => this.setFiltering(true));
    press(".highlighting", () => this.setFiltering(false));
    press(".regex", () => { this.setToggle("regex", !this.regex); this.look(); });
    press(".invert", () => {
      this.setToggle("invert", !this.find.inverted);
      if (this.find.active) { this.current = null; this.refill(); }
    });
    on(this.part(".context select"), "change", (event) => {
      this.find.context = Number(event.target.value);
      if (this.find.active) this.refill();
    });
    press(".notice button", () => {
      this.wanted = null;
      for (const about of ["find", "link"]) this.notice(about, "");
    });
  },

  look() {
    clearTimeout(this.typing);
    this.typing = 0;
    this.find.look(this.part(".filter").value, this.regex);
    this.showCounts();
  },

  clearFind() {
    this.part(".filter").value = "";
    this.setToggle("invert", false);
    this.look();
  },

  setToggle(name, on) {
    if (name === "regex") this.regex = on; else this.find.inverted = on;
    this.part(`.${name}`).setAttribute("aria-pressed", on);
  },

  setFiltering(on) {
    this.find.filtering = on;
    this.part(".filtering").setAttribute("aria-pressed", on);
    this.part(".highlighting").setAttribute("aria-pressed", !on);
    this.part(".filter").placeholder = on ? tr("Filter lines") : tr("Find in lines");
    this.part(".filter").setAttribute("aria-label", on ? tr("Filter lines by text") : tr("Find text in lines"));
    this.part(".context").classList.toggle("off", !on);
    this.part(".context select").disabled = !on;
    const { current } = this;
    if (!this.find.active) return;
    this.refill();
    if (current) this.list.reveal(current);
  },

  showHits(hits, nth) {
    const typed = this.part(".filter").value !== "";
    for (const name of [".previous", ".next"]) {
      this.part(name).hidden = !typed;
      this.part(name).disabled = hits === 0;
    }
    this.part(".clear").hidden = !typed;
    this.part(".find").classList.toggle("typed", typed);
    this.part(".matches").textContent = this.find.searching ? tr("Searching…")
      : !this.find.active ? ""
      : nth ? tr("{part} of {whole}", { part: number(nth), whole: number(hits) })
      : tr(hits === 1 ? "{count} match" : "{count} matches", { count: number(hits) });
  },

  // The next hit from here, or from what is in sight; past the last one it begins again.
  toHit(step) {
    if (this.typing) this.look(); // Enter is quicker than the pause after the last letter
    const { items } = this.list, here = this.current ? this.list.placeOf(this.current) : -1;
    const top = this.list.indexAt(this.view.scrollTop);
    let place = here >= 0 ? here + step : step > 0 ? top : top - 1;
    for (let tries = 0; tries < items.length; tries++, place += step) {
      const line = items[(place + items.length) % items.length];
      if (!this.find.hits(line)) continue;
      this.current = line;
      this.list.reveal(line);
      this.list.repaint();
      this.showCounts();
      return;
    }
  },

  toFind(event) {
    event.preventDefault();
    this.part(".filter").focus();
    this.part(".filter").select();
  },

  // True when the key was for the field.
  findKey(event, target) {
    if (target !== this.part(".filter")) return false;
    if (event.key === "Escape") this.clearFind();
    else if (event.key === "Enter") this.toHit(event.shiftKey ? -1 : 1);
    else return false;
    event.preventDefault();
    return true;
  },
};

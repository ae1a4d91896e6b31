// Lines out of the browser: to the clipboard, and into a file by a small menu.

const COPY_LIMIT = 16 * 1024 * 1024;

const LogExport = {
  listenExport(on, press) {
    press(".copy", () => this.copy());
    press(".download", () => this.openMenu(this.part(".menu").hidden));
    on(this.part(".menu"), "click", () => this.openMenu(false));
    on(this.part(".holder"), "focusout", (event) => {
      if (!this.part(".holder").contains(event.relatedTarget)) this.openMenu(false);
    });
  },

  // What is shown; a folded trace goes out whole, as a long line does that is cut for the eye.
  shownLines() {
    const lines = [];
    for (const line of this.list.items) {
      lines.push(line);
      if (line.trace?.head !== line || this.shown.filtering) continue;
      for (const inner of line.trace.lines) if (this.shown.folded(inner)) lines.push(inner);
    }
    return lines;
  },

  // With several sources each line says whose it is.
  texts(lines, form) {
    return lines.map((line) => {
      if (line.separator) return "--";
      return this.several && line.source.label ? `${line.source.label} | ${line[form]}` : line[form];
    });
  },

  async copy() {
    const texts = this.texts(this.shownLines(), "text");
    if (texts.reduce((sum, text) => sum + text.length + 1, 0) > COPY_LIMIT) {
      this.say(tr("Too much to copy at once: filter, or use Download"));
      return;
    }
    const done = await toClipboard(texts.join("\n") + "\n");
    this.say(done ? tr("Copied {lines}", { lines: linesOf(texts.length) }) : tr("The browser did not allow it: use Download"));
  },

  openMenu(open) {
    const menu = this.part(".menu"), button = this.part(".download");
    if (open === !menu.hidden) return;
    button.setAttribute("aria-expanded", open);
    menu.hidden = !open;
    if (!open) return;
    const held = [...this.store.lines, ...this.store.waiting], shown = this.shownLines();
    menu.replaceChildren(
      menuItem(tr("What is shown: {lines}", { lines: linesOf(shown.length) }), () => this.save(shown)),
      menuItem(tr("All that this browser holds: {lines}", { lines: linesOf(held.length) }), () => this.save(held)),
      ...this.sources.all.filter((source) => source.download).map((source) => menuLink(source, this.several)),
    );
    menu.firstElementChild.focus();
  },

  // True when the key was for the menu.
  menuKey(event, target) {
    const menu = this.part(".menu"), items = [...menu.children], at = items.indexOf(target);
    if (at < 0) {
      if (target !== this.part(".download") || event.key !== "ArrowDown") return false;
      this.openMenu(true);
    } else if (event.key === "Escape" || event.key === "Tab") {
      this.part(".download").focus();
      this.openMenu(false);
      if (event.key === "Tab") return true; // and on, from the button
    } else if (event.key === "ArrowDown") items[(at + 1) % items.length].focus();
    else if (event.key === "ArrowUp") items[(at + items.length - 1) % items.length].focus();
    else if (event.key === "Home") items[0].focus();
    else if (event.key === "End") items.at(-1).focus();
    else return true; // Enter and Space press it
    event.preventDefault();
    return true;
  },

  save(lines) {
    const link = document.createElement("a"), [{ run, name }] = this.sources.all;
    const whole = this.texts(lines, "raw").map((text) => `${text}\n`);
    link.href = URL.createObjectURL(new Blob(whole, { type: "text/plain;charset=utf-8" }));
    const words = run.startsWith("container:") ? [name] : [run, name];
    link.download = this.several ? "loadonce-logs.log" : `loadonce-${words.join("-")}.log`.replace(/[^\w.-]+/g, "-");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    this.say(tr("Saved {lines}", { lines: linesOf(lines.length) }));
  },
};

function menuItem(words, act) {
  const item = document.createElement("button");
  item.type = "button";
  item.setAttribute("role", "menuitem");
  item.textContent = words;
  item.addEventListener("click", act);
  return item;
}

function menuLink(source, several) {
  const item = document.createElement("a");
  item.setAttribute("role", "menuitem");
  item.textContent = several
    ? tr("Whole log of {name} from the engine", { name: source.label }) : tr("Whole log from the engine");
  item.href = source.download;
  item.addEventListener("click", () => { item.href = source.download; }); // its newest token
  item.download = "";
  return item;
}

// The keys of the console: finds what a key is for wherever it is in sight, and shows the list of them.

const OFF = "loadonce.keys_off";
const boards = new WeakMap();

function typing(event) {
  return event.composedPath().some((node) => node.isContentEditable || node.tagName === "TEXTAREA" || node.tagName === "SELECT"
    || (node.tagName === "INPUT" && !["checkbox", "radio", "button", "range"].includes(node.type)));
}

// The first in sight, in the page or within a component's own tree.
function inSight(where, root = document) {
  for (const found of root.querySelectorAll(where)) {
    if (found.checkVisibility({ visibilityProperty: true }) && !found.disabled) return found;
  }
  for (const host of root.querySelectorAll("*")) {
    const found = host.shadowRoot && inSight(where, host.shadowRoot);
    if (found) return found;
  }
  return null;
}

function switchedOff() {
  try { return localStorage.getItem(OFF) === "1"; } catch { return false; } // storage may be forbidden
}

function switchOff(off) {
  try { localStorage.setItem(OFF, off ? "1" : "0"); } catch { /* then it holds until the page is left */ }
}

function made(tag, className, ...inside) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...inside);
  return node;
}

class Keyboard {
  constructor(root) {
    this.button = made("button", "open");
    this.button.type = "button";
    this.button.setAttribute("aria-haspopup", "dialog");
    this.button.addEventListener("click", () => this.list.showModal());
    this.list = made("dialog", "list");
    this.list.setAttribute("aria-labelledby", "title");
    this.list.addEventListener("click", (event) => { if (event.target === this.list) this.list.close(); });
    root.append(this.button, this.list);
    this.off = switchedOff();
    this.unlisten = new AbortController();
    // Before all others: a log keeps its keys to itself.
    addEventListener("keydown", (event) => this.pressed(event), { capture: true, signal: this.unlisten.signal });
  }

  show({ shortcuts, within, words }) {
    this.shortcuts = shortcuts;
    const key = JSON.stringify([shortcuts, within, words]);
    if (this.key === key) return;
    this.key = key;
    this.button.replaceChildren(made("span", "", words.button), made("kbd", "", "?"));
    const title = made("h2", "", words.title);
    title.id = "title";
    const close = made("button", "close", "✕");
    close.type = "button";
    close.setAttribute("aria-label", words.close);
    close.addEventListener("click", () => this.list.close());
    const rows = made("dl", "");
    for (const [first, second, what] of [...shortcuts.map((each) => [each.key, "", each.words]), ["?", "", words.open], ...within]) {
      const keys = made("dt", "", ...(/^[A-Z]$/.test(first) ? [made("kbd", "", "Shift"), " "] : []), made("kbd", "", first));
      if (second) keys.append(" ", made("kbd", "", second));
      rows.append(keys, made("dd", "", what));
    }
    const box = made("input", "");
    box.type = "checkbox";
    box.checked = !this.off;
    box.addEventListener("change", () => { this.off = !box.checked; switchOff(this.off); });
    this.list.replaceChildren(title, close, rows, made("label", "", box, words.switch), made("p", "", words.about));
  }

  pressed(event) {
    if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event)) return;
    if (this.off) {
      // Those of the framework and of the log, too, where nothing that they belong to has the focus.
      if (event.target === document.body) event.stopImmediatePropagation();
      return;
    }
    if (this.list.open) { event.stopImmediatePropagation(); return; } // nothing behind it is meant
    if (event.repeat || document.querySelector("[role=dialog]")) return;
    if (event.key === "?") this.list.showModal();
    else {
      const shortcut = this.shortcuts.find((each) => each.key === event.key);
      const found = shortcut && inSight(shortcut.where);
      if (!found) return;
      if (shortcut.does === "press") found.click();
      else { found.focus(); found.select?.(); }
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}

export default function ({ data, parentElement }) {
  let keyboard = boards.get(parentElement);
  if (!keyboard) {
    keyboard = new Keyboard(parentElement);
    boards.set(parentElement, keyboard);
  }
  keyboard.show(data);
  return () => {
    keyboard.unlisten.abort();
    keyboard.button.remove();
    keyboard.list.remove();
    boards.delete(parentElement);
  };
}

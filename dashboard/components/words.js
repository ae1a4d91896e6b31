// The viewer's words: Python sends what a component says, translated, under its English; see words.py.

let translated = {};

function speak(words) {
  translated = words ?? {};
}

// `tr("Copied {lines}", { lines })`: a sentence in the viewer's language, with what belongs into its places.
function tr(english, values = {}) {
  return (translated[english] ?? english).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

// The words that stand in a component's own HTML.
function trAll(root) {
  for (const element of root.querySelectorAll("*")) {
    for (const name of ["title", "aria-label", "placeholder"]) {
      if (element.hasAttribute(name)) element.setAttribute(name, tr(element.getAttribute(name)));
    }
    for (const node of element.childNodes) {
      const text = node.nodeType === Node.TEXT_NODE ? node.data.trim() : "";
      if (text) node.data = node.data.replace(text, tr(text));
    }
  }
}

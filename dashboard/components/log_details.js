// A line that is, or ends in, a JSON object: found when it comes into sight, opened as an indented block of its keys.

const JSON_CHARS = 256 * 1024, JSON_STARTS = 8;
const MOST_ENTRIES = 400, DEEPEST = 12;

// The object, or null; looked for once.
function jsonOf(line) {
  if (line.json === undefined) line.json = objectAtTheEnd(line.text);
  return line.json;
}

function objectAtTheEnd(text) {
  if (text.length > JSON_CHARS || !/\}\s*$/.test(text.slice(-80))) return null;
  let at = -1;
  for (let tries = 0; tries < JSON_STARTS && (at = text.indexOf("{", at + 1)) >= 0; tries++) {
    if (!/^\{\s*["}]/.test(text.slice(at, at + 80))) continue;
    try {
      const found = JSON.parse(text.slice(at), exactNumbers);
      if (Object.keys(found).length) return found;
    } catch { /* a brace of the text before it, or a dict of Python's */ }
  }
  return null;
}

// A number that JavaScript would round (an id of 64 bits) is shown as it was written.
class Exact { constructor(written) { this.written = written; } }
const exactNumbers = (key, value, context) =>
  typeof value === "number" && context?.source && String(value) !== context.source ? new Exact(context.source) : value;

function detailsOf(json) {
  const block = document.createElement("div");
  block.className = "block";
  const budget = { left: MOST_ENTRIES };
  entries(block, json, 0, budget);
  if (budget.left < 0) block.append(span("entry more-entries", tr("… {count} more: copy the line for all", { count: number(-budget.left) })));
  return block;
}

function entries(block, container, depth, budget) {
  const named = Array.isArray(container) ? container.map((value, index) => [index, value]) : Object.entries(container);
  for (const [key, value] of named) {
    if (--budget.left < 0) continue;
    const exact = value instanceof Exact;
    const nested = value !== null && typeof value === "object" && !exact && depth < DEEPEST;
    const entry = span("entry", "");
    entry.style.setProperty("--depth", depth);
    entry.append(span("key", `${key}:`), " ");
    if (nested) {
      const size = Object.keys(value).length, list = Array.isArray(value);
      if (!size) entry.append(span("value", list ? "[]" : "{}"));
      else if (list) entry.append(span("size", tr(size === 1 ? "{count} item" : "{count} items", { count: number(size) })));
      block.append(entry);
      entries(block, value, depth + 1, budget);
    } else {
      const text = exact ? value.written : typeof value === "string" ? value : JSON.stringify(value);
      entry.append(span(`value ${exact ? "number" : value === null ? "null" : typeof value}`, cleanText(text)));
      block.append(entry);
    }
  }
}

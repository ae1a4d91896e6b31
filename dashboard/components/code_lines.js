// Lines of code to be copied, with the button that does.

function codeLines(text) {
  const block = el("div", "code"), lines = el("pre"), copy = el("button", "copy", tr("Copy"));
  lines.append(el("code", "", text));
  lines.tabIndex = 0; // it scrolls sideways on a phone
  lines.setAttribute("role", "region");
  lines.setAttribute("aria-label", tr("Code for your service"));
  copy.type = "button";
  copy.addEventListener("click", async () => {
    copy.textContent = await toClipboard(text) ? tr("Copied") : tr("Not copied: mark the lines instead");
  });
  block.append(lines, copy);
  return block;
}

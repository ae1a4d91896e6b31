// The board of a run: banner, steps, figures, variants, and why. Draws the view that dashboard/phases.py makes.
//
// What comes in is text for `textContent`, never markup. The first view is in `data`, so that there is
// something to see before any connection; while the run goes on the rest comes over /live/run.

const boards = new WeakMap();
const still = matchMedia("(prefers-reduced-motion: reduce)");

function section(css, title) {
  const node = el("section", css);
  if (title) node.append(el("h3", "", title));
  return node;
}

function button(css, text, act) {
  const node = el("button", css, text);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

function buildBoard(root, tell) {
  const board = el("div", "board");
  const parts = {
    title: el("h1"), facts: el("p", "facts"),
    abort: button("action abort", tr("Abort"), (event) => {
      event.currentTarget.disabled = true;
      event.currentTarget.textContent = tr("Stopping…");
      tell("abort");
    }),
    again: button("action primary", tr("Run again"), () => tell("again")),
    banner: el("div", "banner"), icon: el("span", "icon"), headline: el("h2"), lead: el("p", "lead"),
    steps: el("ol", "steps"), figures: el("div", "figures"), trials: el("div", "trials"),
    latency: section("card latency", tr("Latency, sending to answer")),
    measures: section("card measures", tr("Release")),
    control: section("card control", tr("Control")),
    why: section("why"), link: el("span", "link"),
  };
  const head = el("header");
  const names = el("div", "names");
  const actions = el("div", "actions");
  names.append(parts.title, parts.facts);
  actions.append(parts.link, parts.abort, parts.again);
  head.append(names, actions);
  const words = el("div", "verdict");
  words.setAttribute("role", "status");
  words.setAttribute("aria-live", "polite");
  const line = el("div", "line");
  line.append(parts.icon, parts.headline);
  parts.icon.setAttribute("aria-hidden", "true");
  words.append(line, parts.lead);
  parts.banner.append(words, parts.steps);
  const variants = section("card variants", tr("Variants"));
  const cards = el("div", "cards");
  cards.append(parts.latency, parts.measures, parts.control);
  board.append(head, parts.banner, parts.figures, parts.trials, variants, cards, parts.why);
  root.append(board);
  return { ...parts, board, rows: makeRows(variants), tell };
}

function drawBanner(board, view) {
  board.banner.className = `banner ${view.banner.tone}`;
  board.icon.textContent = view.banner.icon;
  board.icon.className = view.banner.tone === "running" ? "icon spinner" : "icon";
  // Written only when it changes: a screen reader says it once.
  if (board.headline.textContent !== view.banner.headline) board.headline.textContent = view.banner.headline;
  if (board.lead.textContent !== view.banner.lead) board.lead.textContent = view.banner.lead;
  board.steps.replaceChildren(...view.steps.map((step) => {
    const item = el("li", step.state);
    const said = { done: tr("done"), current: tr("now"), todo: tr("to come"), stopped: tr("stopped here"), skipped: tr("left out") };
    item.append(el("i"), el("span", "", step.label), el("span", "hidden", ` (${said[step.state]})`));
    if (step.state === "current") item.setAttribute("aria-current", "step");
    return item;
  }));
}

function drawFigures(board, view) {
  const marks = { good: "✓", bad: "✕", open: "", none: "" };
  board.figures.replaceChildren(...view.figures.map((figure) => {
    const card = el("div", `figure ${figure.tone}`);
    const target = el("span", "target");
    target.append(el("i", "", marks[figure.tone]), el("span", "", figure.target));
    card.append(el("span", "label", figure.label), el("span", "value", figure.value), target);
    return card;
  }));
}

function drawCards(board, view) {
  const pairs = view.latency.map(([name, value]) => {
    const pair = el("div", "pair");
    pair.append(el("span", "label", name), el("b", "", value));
    return pair;
  });
  const grid = el("div", "pairs");
  grid.append(...pairs);
  board.latency.replaceChildren(board.latency.firstChild, grid);
  const list = view.measures.map(([name, value, note]) => {
    const item = el("div", "measure");
    const words = el("span");
    words.append(el("span", "", name), el("small", "", note));
    item.append(words, el("b", "", value));
    return item;
  });
  board.measures.replaceChildren(board.measures.firstChild, ...list);
  const badge = el("span", `pill ${view.control.tone}`, view.control.heading);
  board.control.replaceChildren(board.control.firstChild, badge, el("p", "", view.control.text));
}

function drawTrials(board, view) {
  board.trials.hidden = view.trials.length < 2;
  // A thousand buttons are not made again for every answer that comes in.
  const key = JSON.stringify(view.trials);
  if (board.trials.hidden || board.trials.dataset.key === key) return;
  board.trials.dataset.key = key;
  const marks = { green: "✓", red: "✕", inconclusive: "?", running: "…", planned: "–" };
  const chips = view.trials.map((trial) => {
    const chip = button(`chip ${trial.tone}`, "", () => board.tell("trial", trial.place));
    chip.append(el("i", "", marks[trial.tone]), el("span", "", trial.label));
    chip.title = trial.words;
    chip.setAttribute("aria-label", trial.words);
    chip.setAttribute("aria-pressed", String(trial.shown));
    chip.disabled = trial.place === null;
    return chip;
  });
  board.trials.replaceChildren(el("span", "label", tr("Trials")), ...chips);
}

function drawWhy(board, view) {
  const blocks = [];
  const list = (title, css, texts) => {
    const block = section(`card ${css}`, title);
    const items = el("ul");
    items.append(...texts.map((text) => el("li", "", text)));
    block.append(items);
    blocks.push(block);
  };
  if (view.findings.length) {
    const block = section("card findings", tr("What it looks like, and what to do"));
    for (const finding of view.findings) {
      const item = el("div", "finding");
      item.append(el("b", "", finding.cause), el("p", "", finding.cure));
      if (finding.example) item.append(codeLines(finding.example));
      if (finding.link) {
        const link = el("a", "", tr("What the loader does, and its folder as a file"));
        link.href = finding.link; // a page of this console: this one stays open
        link.target = "_blank";
        item.append(link);
      }
      block.append(item);
    }
    blocks.push(block);
  }
  if (view.reasons.length) list(tr("Why this verdict"), "reasons", view.reasons.map((reason) => reason.text));
  if (view.errors.length) list(tr("What the failed variants were told"), "errors", view.errors);
  if (view.not_checked.length) list(tr("What was not checked"), "unchecked", view.not_checked);
  if (view.notes.length) list(tr("Worth knowing"), "notes", view.notes);
  board.why.replaceChildren(...blocks);
}

function draw(state) {
  const { board, view } = state;
  board.title.textContent = view.title;
  board.facts.replaceChildren(...view.facts.map(([name, value]) => {
    const fact = el("span", "fact");
    fact.append(el("span", "label", name), el("span", "", value));
    return fact;
  }));
  board.abort.hidden = !view.running;
  board.again.hidden = view.running;
  drawBanner(board, view);
  drawFigures(board, view);
  drawTrials(board, view);
  drawCards(board, view);
  drawWhy(board, view);
  drawRows(state);
}

function drawRows(state) {
  const { view } = state;
  const moving = view.running && view.zero !== null && view.trial_ended === null;
  const clock = () => (moving ? Date.now() / 1000 + state.ahead - view.zero : null);
  state.board.rows.show(view.rows, clock);
  cancelAnimationFrame(state.frame);
  clearTimeout(state.slow);
  if (!moving) return;
  let drawn = 0;
  const step = (at = 0) => {
    // Twenty-five times a second looks alive, and leaves the machine to what is being measured.
    if (still.matches || at - drawn >= 38) {
      drawn = at;
      state.board.rows.tick();
    }
    if (still.matches) state.slow = setTimeout(step, 500);
    else state.frame = requestAnimationFrame(step);
  };
  step();
}

function take(state, view) {
  // The server's clock, so that bars end at the right place in a browser on another machine.
  state.ahead = view.now - Date.now() / 1000;
  state.view = view;
  draw(state);
}

function receive(state, message) {
  if (message.type === "snapshot") take(state, message.view);
  if (message.type !== "update") return;
  const changed = new Map(message.rows.map((row) => [row.id, row]));
  const rows = state.view.rows.map((row) => changed.get(row.id) ?? row);
  take(state, { ...state.view, ...message.view, rows });
}

function follow(state, data) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const trial = data.trial ? `&trial=${data.trial}` : "";
  const query = `run=${encodeURIComponent(data.view.run_id)}${trial}&language=${encodeURIComponent(data.language)}&token=${encodeURIComponent(data.token)}`;
  const said = { live: "", lost: tr("Connection lost, trying again…"), token: tr("Renewing access…"),
    refused: tr("Live view refused: reload the page.") };
  state.link = openRunLink({
    url: `${scheme}://${location.host}/live/run?${query}`,
    onMessage: (message) => receive(state, message),
    onToken: () => state.board.tell("token"),
    onState: (now) => { state.board.link.textContent = said[now]; },
  });
}

export default function ({ data, parentElement, setTriggerValue }) {
  speak(data.words);
  let state = boards.get(parentElement);
  if (!state) {
    state = { key: "", frame: 0, slow: 0, link: null, watch: null };
    // A place in the trials is told as it is; everything else only has to differ from the last time.
    state.board = buildBoard(parentElement, (what, value) => state.send(what, value ?? Date.now()));
    state.watch = new ResizeObserver(() => state.view && state.board.rows.resize());
    state.watch.observe(state.board.board);
    boards.set(parentElement, state);
  }
  state.send = setTriggerValue;
  const key = `${data.view.run_id}/${data.trial ?? ""}`;
  const renewed = state.token !== data.token && state.board.link.textContent !== "";
  if (key !== state.key || !state.view || data.view.now >= state.view.now) take(state, data.view);
  if (key !== state.key) {
    state.board.abort.disabled = false;
    state.board.abort.textContent = tr("Abort");
  }
  if (key !== state.key || renewed || (state.view.running && !state.link)) {
    if (state.link) state.link.close();
    state.link = null;
    state.key = key;
    state.token = data.token;
    state.board.link.textContent = "";
    if (state.view.running) follow(state, data);
  }
  return () => {
    if (state.link) state.link.close();
    cancelAnimationFrame(state.frame);
    clearTimeout(state.slow);
    state.watch.disconnect();
    state.board.board.remove();
    boards.delete(parentElement);
  };
}

// The sources of a view: one connection for each, its lines' reader, its colour, and words on how they all fare.

const stateWords = () => ({
  connecting: tr("Connecting…"), live: tr("Live"), reconnecting: tr("Reconnecting…"), ended: tr("Ended"),
});
const HUES = 6;
const NAMED = 3; // more sources of one state are counted, not named

class Sources {
  // onBatch(source, batch), onState(), askToken(), onLevel(line, level)
  constructor(handlers) {
    this.handlers = handlers;
    this.all = [];
    this.order = 0;
  }

  get several() { return this.all.length > 1; }
  get anyEnded() { return this.all.some((source) => source.state === "ended"); }
  get allEnded() { return this.all.every((source) => source.state === "ended"); }
  find(name) { return this.all.find((source) => source.name === name); }

  // Follow these from now on. Returns what became of those before: the set of the gone, and whether any is new.
  // Another range is another log: its source goes, and comes again with nothing.
  show(wanted) {
    const kept = new Map(this.all.map((source) => [source.key, source]));
    const fresh = [];
    this.all = wanted.map((data) => {
      const key = JSON.stringify([data.run, data.source, Object.entries(data.range ?? {}).sort()]);
      let source = kept.get(key);
      kept.delete(key);
      if (!source) fresh.push((source = this.made(key, data)));
      Object.assign(source, { address: data.address ?? {}, download: data.download ?? null, token: data.token });
      return source;
    });
    for (const source of kept.values()) source.feed.stop();
    const hues = new Set(this.all.map((source) => source.hue));
    for (const source of fresh) {
      source.hue = [...Array(HUES).keys()].find((hue) => !hues.has(hue)) ?? source.order % HUES;
      hues.add(source.hue);
    }
    for (const source of this.all) {
      const twins = this.all.filter((other) => other.name === source.name);
      source.label = twins.length > 1 ? `${source.name} (${source.run})` : source.name;
      if (!fresh.includes(source)) source.feed.renew(source.token);
    }
    return { gone: new Set(kept.values()), fresh };
  }

  made(key, data) {
    const source = {
      key, run: data.run, name: data.source, range: data.range ?? {}, order: this.order++, hue: null, label: data.source,
      hidden: false, count: 0, state: "connecting", reason: "", behind: true, heardAt: 0,
    };
    source.reader = new LineReader(source, this.handlers.onLevel);
    source.feed = new LogFeed({
      onBatch: (batch) => this.handlers.onBatch(source, batch),
      onState: (state, reason) => {
        Object.assign(source, { state, reason: reason ?? "" });
        this.handlers.onState();
      },
      askToken: this.handlers.askToken,
    });
    return source;
  }

  open(sources) {
    for (const source of sources) source.feed.open(source.run, source.name, source.token, source.range);
  }

  // One state for the dot: the one that asks for attention most.
  get state() {
    const states = new Set(this.all.map((source) => source.state));
    return ["reconnecting", "connecting", "live", "ended"].find((state) => states.has(state)) ?? "ended";
  }

  // "Live", or who is not: "Live: a, b · Ended: c (the reason)".
  get words() {
    const groups = new Map();
    for (const source of this.all) groups.set(source.state, [...(groups.get(source.state) ?? []), source]);
    if (!groups.size) return "";
    if (groups.size === 1 && (!this.several || this.all.every((source) => !source.reason))) {
      const [{ state, reason }] = this.all;
      return reason ? `${stateWords()[state]}: ${reason}` : stateWords()[state];
    }
    const told = (source) => (source.reason ? `${source.label} (${source.reason})` : source.label);
    return [...groups].map(([state, members]) => {
      const who = members.length > NAMED ? tr("{count} sources", { count: number(members.length) }) : members.map(told).join(", ");
      const now = stateWords()[state];
      return `${now}${now.endsWith("…") ? " " : ": "}${who}`;
    }).join(" · ");
  }

  stop() { for (const source of this.all) source.feed.stop(); }
}

// A link that brings a colleague to the same line: how it is written, and how its line is found again.

const SAME_MOMENT_S = 0.0000015; // an address holds microseconds
const QUIET_MS = 4000; // nothing has come for so long: the line is not among those that are kept

// A run's only source counts its lines; a container's log is known by its time, since its numbers are this console's.
function addressOf(line, sources) {
  const url = new URL(window.location.href);
  for (const name of ["line", "of", "at"]) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(line.source.address)) url.searchParams.set(name, value);
  if (sources.several || line.source.run.startsWith("container:")) {
    url.searchParams.set("of", line.source.name);
    url.searchParams.set("at", line.time.toFixed(6));
  } else url.searchParams.set("line", line.number + 1);
  return url.href;
}

// The line that the page's address names, waited for until it comes or cannot come any more.
class WantedLine {
  // wanted: {number} of the only source, or {source, time}
  constructor(wanted) {
    this.wanted = wanted;
    this.since = performance.now();
  }

  in(lines, sources) {
    const { number, source, time } = this.wanted;
    if (number !== undefined) return lines.find((line) => line.number === number && line.source === sources.all[0]) ?? null;
    let best = null, distance = SAME_MOMENT_S;
    for (const line of lines) {
      if (line.gap !== undefined || line.stream === "engine" || line.source.name !== source) continue;
      const away = Math.abs(line.time - time);
      if (away < distance) [best, distance] = [line, away];
    }
    return best;
  }

  // Why it will not come, in a sentence; "" while it still may. It is looked for even so.
  missing(lines, sources) {
    const { number: index, source: name, time } = this.wanted;
    const source = index === undefined ? sources.find(name) : sources.all[0];
    if (!source) return tr("The link leads to a line of {name}, which is not shown here.", { name });
    const own = (line) => line.source === source && line.gap === undefined;
    const passed = lines.some((line) => own(line) && (index === undefined ? line.time > time : line.number > index));
    const quiet = source.state === "live" && performance.now() - Math.max(this.since, source.heardAt) > QUIET_MS;
    if (!passed && !quiet && source.state !== "ended") return "";
    return index === undefined
      ? tr("The line of {name} at {time}, to which the link leads, is not among the lines here.", { name, time: clock(time) })
      : tr("Line {number}, to which the link leads, is not among the lines here.", { number: number(index + 1) });
  }
}

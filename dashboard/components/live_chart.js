// A chart whose data may change under the reader's eyes: Plotly.react with a fixed uirevision keeps the zoom.

const charts = new WeakMap();
let library = null;

function loadLibrary(path) {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = path;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => {
      library = null;
      reject(new Error("The chart library did not come. Reload the page."));
    };
    document.head.append(script);
  });
  return globalThis.Plotly ? Promise.resolve(globalThis.Plotly) : library;
}

function themed(layout, root) {
  const theme = getComputedStyle(root);
  const colour = (name) => theme.getPropertyValue(`--st-${name}`).trim();
  const axis = { gridcolor: colour("border-color"), zerolinecolor: colour("border-color"), linecolor: colour("border-color") };
  const next = {
    ...layout,
    autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.getPropertyValue("--st-font"), size: 13, color: colour("text-color") },
    hoverlabel: { bgcolor: colour("secondary-background-color"), bordercolor: colour("border-color"),
      font: { family: theme.getPropertyValue("--st-font"), color: colour("text-color") }, align: "left" },
    xaxis: { ...layout.xaxis, ...axis },
    yaxis: { ...layout.yaxis, ...axis },
    ...(layout.yaxis2 ? { yaxis2: { ...layout.yaxis2, ...axis } } : {}),
  };
  if (root.clientWidth < 560) {
    // A phone: names under narrow bars would lie upon each other; they are told on touch.
    next.legend = { ...layout.legend, font: { size: 12 } };
    if (layout.barmode === "stack") next.xaxis = { ...next.xaxis, showticklabels: false };
  }
  return next;
}

// Plotly puts its style sheet into the document's head, where a shadow root does not see it.
const FRAME = ".js-plotly-plot .plotly, .js-plotly-plot .plotly div { direction: ltr; margin: 0; padding: 0 }" +
  ".js-plotly-plot .plotly .main-svg { position: absolute; top: 0; left: 0; pointer-events: none; overflow: hidden }" +
  ".js-plotly-plot .plotly .main-svg .draglayer { pointer-events: all }" +
  ".js-plotly-plot .plotly .cursor-crosshair { cursor: crosshair }";

export default function ({ data, parentElement }) {
  let chart = charts.get(parentElement);
  if (!chart) {
    const style = document.createElement("style");
    style.textContent = FRAME;
    const frame = document.createElement("figure");
    const plot = document.createElement("div");
    const words = document.createElement("figcaption");
    words.setAttribute("role", "status");
    frame.append(plot, words);
    parentElement.append(style, frame);
    chart = { frame, plot, words, watch: new ResizeObserver(() => chart.draw?.()) };
    chart.watch.observe(frame);
    charts.set(parentElement, chart);
  }
  chart.plot.style.height = `${data.figure.layout.height}px`;
  chart.plot.setAttribute("role", "img");
  chart.plot.setAttribute("aria-label", data.label);
  loadLibrary(data.library).then(
    (Plotly) => {
      chart.draw = () => {
        if (!chart.frame.clientWidth) return;
        const layout = { ...themed(data.figure.layout, chart.frame), width: chart.frame.clientWidth };
        Plotly.react(chart.plot, data.figure.data, layout, { displayModeBar: false, scrollZoom: false });
      };
      chart.draw();
    },
    (error) => { chart.words.textContent = error.message; },
  );
  return () => {
    chart.watch.disconnect();
    globalThis.Plotly?.purge(chart.plot);
    chart.frame.remove();
    charts.delete(parentElement);
  };
}

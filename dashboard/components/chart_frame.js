// What every chart needs: the library, once for all of them, the page's theme, and a frame that tells in words.

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

const PHONE_PX = 560;

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
  };
  for (const name of ["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d+$/.test(key))]) {
    next[name] = { ...layout[name], ...axis };
  }
  if (root.clientWidth < PHONE_PX) {
    // A phone: names under narrow bars would lie upon each other; they are told on touch.
    next.legend = { ...layout.legend, font: { size: 12 } };
    if (layout.xaxis?.tickmode === "array") next.xaxis = { ...next.xaxis, showticklabels: false };
  }
  return next;
}

// Plotly puts its style sheet into the document's head, where a shadow root does not see it.
const FRAME = ".js-plotly-plot .plotly, .js-plotly-plot .plotly div { direction: ltr; margin: 0; padding: 0 }" +
  ".js-plotly-plot .plotly .main-svg { position: absolute; top: 0; left: 0; pointer-events: none; overflow: hidden }" +
  ".js-plotly-plot .plotly .main-svg .draglayer { pointer-events: all }" +
  ".js-plotly-plot .plotly .cursor-crosshair { cursor: crosshair }";

function makeFrame(parentElement, onResize) {
  const style = document.createElement("style");
  style.textContent = FRAME;
  const frame = document.createElement("figure");
  const plot = document.createElement("div");
  const words = document.createElement("p");
  plot.setAttribute("role", "img");
  words.className = "said";
  words.setAttribute("role", "status");
  frame.append(plot, words);
  parentElement.append(style, frame);
  let drawn = Promise.resolve();
  const watch = new ResizeObserver(onResize);
  watch.observe(frame);
  return {
    frame, plot, words,
    react(figure, layout, config) {
      drawn = globalThis.Plotly.react(plot, figure, layout, config);
    },
    end() {
      watch.disconnect();
      // A drawing takes several steps, and a later one fails where an earlier one's work was purged
      const purge = () => globalThis.Plotly?.purge(plot);
      drawn.then(purge, purge);
      frame.remove();
      style.remove();
    },
  };
}

// As high as it will be and told in words before the library has come: nothing moves when it does.
function prepare(chart, data) {
  chart.plot.style.height = `${data.figure.layout.height}px`;
  chart.plot.setAttribute("aria-label", data.label);
}

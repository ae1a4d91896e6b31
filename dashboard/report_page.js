// Draws the charts of a report with the library that lies packed in the page; nothing is fetched.
(() => {
  const read = (id) => document.getElementById(id).textContent;
  const said = document.getElementById("charts-said");
  const style = getComputedStyle(document.documentElement);
  const sections = [...document.querySelectorAll("section.chart")];

  async function loadLibrary() {
    const packed = Uint8Array.from(atob(read("library")), (sign) => sign.charCodeAt(0));
    const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(unpacked).text();
    document.head.append(script); // runs at once, if it is what the page's policy names by its hash
    if (!globalThis.Plotly) throw new Error("the library did not start");
  }

  function themed(layout, width, paper) {
    const colour = (name) => style.getPropertyValue(`--${paper ? "print-" : ""}${name}`).trim();
    const font = { family: "system-ui, sans-serif", size: 13, color: colour("ink") };
    const next = {
      ...layout, width, font,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      hoverlabel: { bgcolor: colour("tint"), bordercolor: colour("line"), font, align: "left" },
    };
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      next[name] = { ...layout[name], gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line") };
    }
    if (width < 560 && layout.barmode === "stack") next.xaxis = { ...next.xaxis, showticklabels: false };
    return next;
  }

  function draw(figures, paper = false) {
    sections.forEach((section, place) => {
      section.hidden = false;
      const plot = section.querySelector("[role=img]");
      const width = paper ? Math.min(plot.clientWidth, 700) : plot.clientWidth;
      globalThis.Plotly.react(plot, figures[place].data, themed(figures[place].layout, width, paper), {
        displaylogo: false, scrollZoom: false, modeBarButtonsToRemove: ["lasso2d", "select2d"],
      });
    });
  }

  loadLibrary().then(() => {
    const figures = JSON.parse(read("figures"));
    draw(figures);
    said.classList.add("on-screen"); // on paper there is nothing to drag over
    said.textContent = "Drag over a chart to look closer, double-click to see all of it again, point at a mark for its numbers.";
    addEventListener("resize", () => draw(figures));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(figures));
    addEventListener("beforeprint", () => draw(figures, true));
    addEventListener("afterprint", () => draw(figures));
  }).catch((error) => {
    said.textContent = `This browser cannot draw the charts (${error.message}). What they show stands in the tables below.`;
  });
})();

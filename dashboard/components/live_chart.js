// A chart whose data may change under the reader's eyes: Plotly.react with a fixed uirevision keeps the zoom.

const charts = new WeakMap();

export default function ({ data, parentElement }) {
  let chart = charts.get(parentElement);
  if (!chart) {
    chart = makeFrame(parentElement, () => charts.get(parentElement)?.draw?.());
    charts.set(parentElement, chart);
  }
  prepare(chart, data);
  loadLibrary(data.library).then(
    () => {
      chart.draw = () => {
        if (!chart.frame.clientWidth) return;
        const layout = { ...themed(data.figure.layout, chart.frame), width: chart.frame.clientWidth };
        chart.react(data.figure.data, layout, { displayModeBar: false, scrollZoom: false });
      };
      chart.draw();
    },
    (error) => { chart.words.textContent = error.message; },
  );
  return () => {
    chart.end();
    charts.delete(parentElement);
  };
}

// Owns how a chart looks: one call of uPlot in the colours of the page.

const HEIGHT = 150;

/**
 * A chart in the element. times: seconds since 1970; lines: values, colour (a name of the style
 * sheet), broken, filled; label(seconds) is a time as text. at(index) hears what is pointed at.
 */
export function plotted(place, times, lines, label, at = () => {}) {
  const ink = colour("--ink-soft");
  const axis = { stroke: ink, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  return new uPlot({
    width: place.clientWidth, height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
    axes: [{ ...axis, size: 26, values: (_plot, shown) => shown.map(label) }, { ...axis, size: 52 }],
    series: [{}, ...lines.map((line) => ({
      stroke: colour(line.colour), width: 2, dash: line.broken ? [4, 4] : [],
      fill: line.filled ? colour(line.colour, 0.12) : undefined,
      // Of one or two values no line would be seen.
      points: { show: line.values.filter((value) => value !== null).length < 3, size: 5 },
    }))],
    hooks: { setCursor: [(plot) => at(plot.cursor.idx)] },
  }, [times, ...lines.map((line) => line.values)], place);
}

/** A colour of the style sheet as a canvas takes it: light-dark() is no colour to it. */
export function colour(name, share = 1) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return share === 1 ? found : found.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}

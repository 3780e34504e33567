// Owns the charts of the fleet: asks for their figures, and draws them anew.

import { keepFresh } from "../pages/fresh.js";
import { colour, plotted } from "./plot.js";

const PERIOD_MS = 20_000;
const COLOURS = 6;
const SVG = "http://www.w3.org/2000/svg";
const root = document.getElementById("charts");
const words = JSON.parse(document.getElementById("chart-words").textContent);
const span = document.getElementById("span");
const locale = document.documentElement.lang;
let figures = null;
let drawn = [];

/** Series of each chart: name, values, and whether its line is broken. */
const SERIES = {
  backlog: (now) => [["", now.backlog]],
  oldest: (now) => [["", now.oldest_s]],
  first: (now) => [["p50", now.first_p50_s], ["p95", now.first_p95_s]],
  in_flight: (now) => Object.entries(now.engines).flatMap(([name, engine]) => [
    [name, engine.in_flight], [`${name}: ${words.limit}`, engine.limit, true],
  ]),
  tokens_s: (now) => ofEngines(now, "tokens_s"),
  cached: (now) => ofEngines(now, "cached"),
  ended: (now) => Object.entries(now.ended).map(([source, values]) => [words.source[source] ?? source, values]),
  refused: (now) => Object.entries(now.refused).map(([rule, values]) => [words.rule[rule] ?? rule, values]),
};

function ofEngines(now, name) {
  return Object.entries(now.engines).map(([engine, series]) => [engine, series[name]]);
}

function show(now) {
  figures = now;
  draw();
}

function draw() {
  for (const chart of drawn) chart.destroy();
  drawn = [];
  for (const figure of root.querySelectorAll("[data-chart]")) {
    figure.querySelectorAll(":scope > :not(figcaption)").forEach((part) => part.remove());
    const series = figures.t.length ? SERIES[figure.dataset.chart](figures) : [];
    const told = series.filter(([, values]) => values.some((value) => value !== null));
    if (told.length) drawOne(figure, told);
    else figure.append(paragraph(words.nothing));
  }
}

function drawOne(figure, series) {
  const place = document.createElement("div");
  place.setAttribute("aria-hidden", "true");
  figure.append(place, keys(series));
  const lines = series.map(([, values, broken], at) => ({
    values, broken, colour: colourOf(series, at), filled: series.length === 1,
  }));
  drawn.push(plotted(place, figures.t, lines, clock, (index) => tell(figure, series, index)));
}

/** The engine and its limit have one colour. */
function colourOf(series, at) {
  const before = series.slice(0, at).filter(([, , broken]) => !broken).length;
  const own = series[at][2] ? before - 1 : before;
  return `--series-${(own % COLOURS) + 1}`;
}

/** What each line is, with its last value and its highest: a chart in words. */
function keys(series) {
  const list = document.createElement("ul");
  list.className = "keys";
  series.forEach(([name, values, broken], at) => {
    const item = document.createElement("li");
    const known = values.filter((value) => value !== null);
    const value = document.createElement("span");
    value.dataset.at = at;
    value.dataset.text = `${words.last} ${number(known.at(-1))}, ${words.most} ${number(Math.max(...known))}`;
    value.textContent = value.dataset.text;
    if (series.length > 1) item.append(stroke(colourOf(series, at), broken));
    if (name) item.append(bold(name));
    item.append(value);
    list.append(item);
  });
  return list;
}

/** The values under the pointer, or the last ones. */
function tell(figure, series, index) {
  for (const value of figure.querySelectorAll("[data-at]")) {
    const found = index === null || index === undefined ? null : series[value.dataset.at][1][index];
    value.textContent = found === null ? value.dataset.text : `${clock(figures.t[index])} ${number(found)}`;
  }
}

function stroke(name, broken) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "line");
  const shape = { x1: 0, x2: 18, y1: 5, y2: 5, "stroke-width": 3, stroke: colour(name), "stroke-dasharray": broken ? "4 3" : "none" };
  for (const [key, value] of Object.entries(shape)) line.setAttribute(key, value);
  drawing.append(line);
  return drawing;
}

function bold(text) {
  const part = document.createElement("b");
  part.textContent = text;
  return part;
}

function paragraph(text) {
  const part = document.createElement("p");
  part.className = "none";
  part.textContent = text;
  return part;
}

function number(value) {
  return value.toLocaleString(locale, { maximumFractionDigits: value < 10 ? 2 : 0 });
}

function clock(seconds) {
  return new Date(1000 * seconds).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
}

function url() {
  return `${root.dataset.url}?span=${span.querySelector("[aria-pressed=true]").value}`;
}

const refresh = keepFresh(url, PERIOD_MS, show);
refresh();
span.addEventListener("click", ({ target }) => {
  if (!target.value) return;
  for (const button of span.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === target));
  refresh();
});
let settled;
addEventListener("resize", () => {
  clearTimeout(settled);
  settled = setTimeout(() => figures && draw(), 150);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => figures && draw());
new MutationObserver(() => figures && draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });

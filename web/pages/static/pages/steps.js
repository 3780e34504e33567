// Owns the table of what a program did: a row a round, a call or a line, and a column a name.

import { element, fill } from "./dom.js";

const FIRST_ROWS = 8;
const GAVE_BACK = "return";
const ROOMY = matchMedia("(min-width: 40rem)");

/** Fills the table's slots. code: the program, whose lines are shown beside their numbers. */
export function showSteps(slots, steps, words, code) {
  const lines = code.split(/\r\n?|\n/);
  const columns = order(steps);
  const heads = [words[`step_${steps.kind}`], ...columns.map((name) => title(name, steps, words))];
  slots.about.textContent = fill(words[`about_${steps.kind}`], { line: steps.rows[0].line });
  slots.heads.append(...heads.map((head) => element("th", { scope: "col" }, head)));
  const rows = steps.rows.map((row) => tableRow(row, steps, columns, words, lines));
  if (steps.omitted) rows.splice(FIRST_ROWS, 0, fold(steps.omitted, heads.length, words));
  slots.rows.append(...rows);
  slots.legend.hidden = !steps.rows.some(({ changed }) => changed.length);
  slots.steps.open = ROOMY.matches;
  slots.steps.hidden = false;
  fadeWhereMore(slots.scroller);
}

/** Marks the sides at which there is more to scroll to; the style sheet lets them fade. */
function fadeWhereMore(scroller) {
  const look = () => {
    const { scrollLeft, clientWidth, scrollWidth } = scroller;
    scroller.toggleAttribute("data-before", scrollLeft > 1);
    scroller.toggleAttribute("data-after", scrollLeft + clientWidth < scrollWidth - 1);
  };
  scroller.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(scroller);
}

/** The names, and last what a call gave back. */
function order({ kind, names }) {
  if (kind !== "calls" || !names.includes(GAVE_BACK)) return names;
  return [...names.filter((name) => name !== GAVE_BACK), GAVE_BACK];
}

function title(name, { kind }, words) {
  if (kind === "calls" && name === GAVE_BACK) return words.gave_back;
  return element("code", {}, name);
}

function tableRow(row, { kind }, columns, words, lines) {
  const head = element("th", { scope: "row" }, ...label(row, kind, lines));
  return element("tr", {}, head, ...columns.map((name) => cell(row, name, words)));
}

function label({ label, line }, kind, lines) {
  if (kind === "loop") return [label];
  if (kind === "calls") return [element("code", {}, label)];
  const text = lines[line - 1]?.trim() ?? "";
  return [`${line} `, element("code", { class: "source-line" }, text)];
}

function cell({ values, changed }, name, words) {
  const value = Object.hasOwn(values, name) ? element("code", {}, values[name]) : "";
  if (!changed.includes(name)) return element("td", {}, value);
  const spoken = element("span", { class: "spoken" }, `${words.changed}: `);
  return element("td", { class: "changed" }, spoken, value);
}

function fold(omitted, width, words) {
  const text = fill(words.omitted, { n: omitted.toLocaleString(document.documentElement.lang) });
  return element("tr", { class: "fold" }, element("td", { colspan: width }, text));
}

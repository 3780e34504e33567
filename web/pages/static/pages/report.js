// Owns how a test report (L0) is shown.

import { element, fill, instance, say, withCode } from "./dom.js";
import { compare } from "./printed.js";
import { showSteps } from "./steps.js";

const LIMITS = ["time", "memory", "too_deep", "output", "crashed"];

/**
 * Fills `holder` with {report, words, source}; `words` are the page's sentences.
 * code: the program; goTo(line), if given: brings the reader to that line of the editor.
 */
export function showReport(holder, l0, words, code, goTo) {
  const { fragment, slots } = instance("report-card");
  const { report } = l0;
  slots.verdict.textContent = verdict(report, words);
  slots.verdict.classList.add(tone(report.verdict));
  slots.words.replaceChildren(...withCode(l0.words));
  slots.elsewhere.hidden = l0.source !== "platform";
  if (report.first && !report.first.hidden) showCase(slots, report, words);
  // A call that raised shows its error as what it gave; an exercise without tests has no line.
  const told = report.first || (report.verdict === "not_run" && report.error?.line === null);
  say(slots.error, !told && report.error && errorLine(report.error, words));
  showEnd(slots.end, whereItEnded(report, words), words, goTo);
  if (report.steps?.rows.length) showSteps(slots, report.steps, words, code);
  // What a case printed is shown with it.
  const printed = report.first?.stdin != null && report.first.got !== null ? "" : report.output;
  say(slots.output, printed);
  slots.printed.hidden = !printed;
  holder.replaceChildren(fragment);
}

/** The report in one short sentence. */
export function verdict(report, words) {
  return fill(words[report.verdict], report);
}

/** {line, text, values: ["cups = 1"]} of where the program came to its end; null if unknown. */
export function whereItEnded({ verdict, steps, error }, words) {
  const line = error?.line ?? steps?.line ?? null;
  const text = words[LIMITS.includes(verdict) ? "ended_limit" : `ended_${verdict}`];
  if (line === null || !text) return null;
  const at = Object.entries(steps?.line === line ? steps.at : {});
  return { line, text, values: at.map(([name, value]) => `${name} = ${value}`) };
}

function showCase(slots, { first, verdict }, words) {
  const io = first.stdin !== null;
  // A limit is no error of Python's, and the words above have told of it.
  const gave = first.got ?? (LIMITS.includes(verdict) ? null : first.error) ?? "";
  const { expected, got, blanksAlone } = io && first.got !== null
    ? compare(first.expected, first.got)
    : { expected: [first.expected], got: [gave] };
  slots.asked.textContent = io ? words.input : words.call;
  slots.gave.textContent = io && first.got !== null ? words.printed : words.got;
  // What a platform does not tell of a test is not there; an input, or an output, may be empty.
  showRow(slots.call, [io ? first.stdin : first.call], words, io || first.call);
  showRow(slots.expected, expected, words, first.expected);
  showRow(slots.got, got, words, gave || first.got !== null);
  slots.blanks.hidden = !blanksAlone || !first.expected;
  slots.case.hidden = slots.case.querySelector("div:not([hidden])") === null;
}

function showRow(slot, nodes, words, told) {
  slot.closest("div").hidden = !told;
  if (nodes.every((node) => node === "")) slot.replaceWith(element("i", {}, words.nothing));
  else slot.replaceChildren(...nodes);
}

function showEnd(place, end, words, goTo) {
  if (!end) return;
  const line = fill(words.at_line, { line: end.line });
  const name = element(goTo ? "button" : "b", goTo ? { class: "link", type: "button" } : {}, line);
  if (goTo) name.addEventListener("click", () => goTo(end.line));
  const values = end.values.flatMap((value) => [" ", element("code", {}, value)]);
  place.replaceChildren(name, ` ${end.text}`, ...values);
  place.hidden = false;
}

function errorLine({ kind, message, line }, words) {
  const where = line === null ? "" : ` (${fill(words.line, { line })})`;
  return `${[kind, message].filter(Boolean).join(": ")}${where}`;
}

function tone(verdict) {
  if (verdict === "passed") return "good";
  return verdict === "not_run" ? "neutral" : "bad";
}

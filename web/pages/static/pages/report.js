// Owns how a test report (L0) is shown.

import { fill, instance, say, withCode } from "./dom.js";

/** Fills `place` with {report, words}; `words` are the page's sentences. */
export function showReport(place, l0, words) {
  const { fragment, slots } = instance("report-card");
  const { report } = l0;
  slots.verdict.textContent = verdict(report, words);
  slots.verdict.classList.add(tone(report.verdict));
  slots.words.replaceChildren(...withCode(l0.words));
  showCase(slots, report.first);
  // A call that raised shows its error as what it gave; an exercise without tests has no line.
  const told = report.first || (report.verdict === "not_run" && report.error?.line === null);
  say(slots.error, !told && report.error && errorLine(report.error, words));
  say(slots.output, report.output);
  slots.printed.hidden = !report.output;
  place.replaceChildren(fragment);
}

/** The report in one short sentence. */
export function verdict(report, words) {
  return fill(words[report.verdict], report);
}

function showCase(slots, first) {
  if (!first) return;
  slots.call.textContent = first.call;
  slots.expected.textContent = first.expected;
  slots.got.textContent = first.got ?? first.error ?? "";
  slots.case.hidden = false;
}

function errorLine({ kind, message, line }, words) {
  const where = line === null ? "" : ` (${fill(words.line, { line })})`;
  return `${kind}: ${message}${where}`;
}

function tone(verdict) {
  if (verdict === "passed") return "good";
  return verdict === "not_run" ? "neutral" : "bad";
}

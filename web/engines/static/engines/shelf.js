// Owns the table of the local engine's models: fresh every second while one is fetched or loaded.

import { say } from "../pages/dom.js";
import { keepFresh } from "../pages/fresh.js";

const PERIOD_MS = 1000;
const root = document.getElementById("shelf");
const notice = document.getElementById("shelf-notice");

function show(now) {
  say(notice, "");
  for (const row of root.querySelectorAll("tr[data-model]")) showModel(row, now.rows[row.dataset.model]);
}

function showModel(row, model) {
  const words = row.querySelector("[data-cell=words]");
  // While bytes come, a screen reader would read each new count.
  words.ariaLive = model.done === null ? "polite" : "off";
  if (words.textContent !== model.words) words.textContent = model.words;
  const progress = row.querySelector("progress");
  progress.hidden = model.done === null;
  progress.value = model.done ?? 0;
  const evaluation = row.querySelector("[data-cell=evaluation]");
  evaluation.hidden = !model.evaluation;
  evaluation.href = model.evaluation;
  for (const button of row.querySelectorAll("button")) {
    const label = model.buttons[button.name];
    button.hidden = !label;
    if (button.textContent === label) continue;
    button.textContent = label;
    button.ariaLabel = `${label}: ${row.dataset.file}`;
  }
}

keepFresh(root.dataset.now, PERIOD_MS, show, () => say(notice, root.dataset.lost));

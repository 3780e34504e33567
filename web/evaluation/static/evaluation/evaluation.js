// Owns the page of an evaluation that runs: fresh figures, and the report once it is there.

import { keepFresh } from "../pages/fresh.js";

const PERIOD_MS = 2000;
const root = document.getElementById("evaluation-now");
const bar = root.querySelector("progress");
const left = document.getElementById("evaluation-left");
const began = { at: Date.now(), percent: bar.value };

function show(now) {
  if (now.state !== root.dataset.state) {
    location.reload();
    return;
  }
  bar.value = now.percent;
  document.getElementById("evaluation-percent").textContent = now.percent;
  document.getElementById("evaluation-words").textContent = now.words;
  const done = now.percent - began.percent;
  if (done > 0) {
    const minutes = Math.ceil(((100 - now.percent) * (Date.now() - began.at)) / done / 60_000);
    left.textContent = left.dataset.minutes.replace("MINUTES", String(minutes));
  }
}

keepFresh(root.dataset.now, PERIOD_MS, show);

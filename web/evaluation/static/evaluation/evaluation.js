// Owns the page of an evaluation that runs: fresh figures, and the report once it is there.

const PERIOD_MS = 2000;
const TIMEOUT_MS = 10_000;
const root = document.getElementById("evaluation-now");
const bar = root.querySelector("progress");
const left = document.getElementById("evaluation-left");
const began = { at: Date.now(), percent: bar.value };

async function refresh() {
  let now;
  try {
    const answer = await fetch(root.dataset.now, {
      headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!answer.ok || answer.redirected) return;
    now = await answer.json();
  } catch {
    // The site is away; the next round asks again.
    return;
  }
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

/** One round after the other: a slow answer never overtakes a later one. */
async function keepFresh() {
  if (!document.hidden) await refresh();
  setTimeout(keepFresh, PERIOD_MS);
}

setTimeout(keepFresh, PERIOD_MS);

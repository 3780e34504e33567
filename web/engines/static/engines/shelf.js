// Owns the table of the local engine's models: fresh every second while one is fetched or loaded.

const PERIOD_MS = 1000;
const TIMEOUT_MS = 10_000;
const root = document.getElementById("shelf");
const notice = document.getElementById("shelf-notice");

async function refresh() {
  if (document.hidden) return;
  let now;
  try {
    const answer = await fetch(root.dataset.now, {
      headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    // Signed out, the admin answers with its login page.
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    now = await answer.json();
  } catch {
    notice.textContent = root.dataset.lost;
    notice.hidden = false;
    return;
  }
  notice.hidden = true;
  for (const row of root.querySelectorAll("tr[data-model]")) show(row, now.rows[row.dataset.model]);
}

function show(row, model) {
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

setInterval(refresh, PERIOD_MS);

// Owns what is known of a model in the forms of engines and of the AI mode: follows the name that is
// typed, and writes the settings into the fields when it is asked to.

const PAUSE_MS = 300;
const ASKED = ["kind", "url", "model_name"];
const known = document.getElementById("known");
const button = document.getElementById("use-known");
const field = (name) => document.getElementById(`id_${name}`);
let timer;
let asking;

async function show() {
  asking?.abort();
  asking = new AbortController();
  // The form of the AI mode has neither kind nor URL: it asks as an engine that names no model.
  const typed = ASKED.map((name) => [name, field(name)?.value ?? ""]);
  try {
    const answer = await fetch(`${known.dataset.url}?${new URLSearchParams(typed)}`, {
      headers: { Accept: "application/json" }, signal: asking.signal,
    });
    if (!answer.ok || answer.redirected) return;
    const { words, fields } = await answer.json();
    known.textContent = words;
    if (button) {
      button.hidden = !fields;
      button.onclick = () => Object.entries(fields).forEach(([name, text]) => { field(name).value = text; });
    }
  } catch {
    // A newer question, or no answer: what is shown stays.
  }
}

if (known) {
  for (const name of ASKED) {
    field(name)?.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(show, PAUSE_MS);
    });
  }
  if (button) show();
}

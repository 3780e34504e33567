// Owns the form of the AI mode: what is known of what is typed, and names that fill in themselves.

import { element, fill, say } from "../pages/dom.js";

const PAUSE_MS = 300;
const form = document.getElementById("mode");
const name = document.getElementById("id_model_name");
const served = document.getElementById("served");
const ask = document.getElementById("list-models");
const used = [...form.querySelectorAll("[data-used]")];
let timer;
let asking;

async function tell() {
  asking?.abort();
  asking = new AbortController();
  const typed = ["model_name", "api_url", "vllm_url"].map((field) => [field, form.elements[field].value]);
  try {
    const answer = await fetch(`${form.dataset.known}?${new URLSearchParams(typed)}`, {
      headers: { Accept: "application/json" }, signal: asking.signal,
    });
    if (!answer.ok || answer.redirected) return;
    const { words, addresses } = await answer.json();
    const known = document.getElementById("known");
    if (known.textContent !== words) known.textContent = words;
    for (const line of used) {
      const url = addresses[line.dataset.used];
      const same = url === form.elements[line.dataset.used].value;
      line.textContent = url && !same ? fill(line.dataset.words, { url }) : "";
    }
  } catch {
    // A newer question, or no answer: what is shown stays.
  }
}

function use(model) {
  name.value = model;
  name.focus();
  name.dispatchEvent(new Event("input", { bubbles: true }));
}

async function list() {
  ask.setAttribute("aria-disabled", "true");
  say(served, ask.dataset.asking);
  try {
    const answer = await fetch(ask.dataset.url, {
      method: "POST", body: new FormData(form), headers: { Accept: "application/json" },
    });
    if (answer.redirected || (!answer.ok && answer.status !== 400)) throw new Error(answer.status);
    show(await answer.json());
  } catch {
    say(served, ask.dataset.lost);
  } finally {
    ask.removeAttribute("aria-disabled");
  }
}

function show({ models = [], whys = [], errors = [] }) {
  const told = [...errors, ...whys];
  if (!told.length && !models.length) told.push(ask.dataset.none);
  const options = document.getElementById("models");
  const there = new Set([...options.children].map((option) => option.value));
  options.append(...models.filter((each) => !there.has(each)).map((value) => element("option", { value })));
  const buttons = models.map((model) => {
    const button = element("button", { type: "button", class: "button small" }, model);
    button.addEventListener("click", () => use(model));
    return element("li", {}, button);
  });
  served.replaceChildren(...told.map((text) => element("p", {}, text)), element("ul", { class: "served" }, ...buttons));
  served.hidden = false;
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(tell, PAUSE_MS);
});
for (const button of form.querySelectorAll("[data-use]")) {
  button.addEventListener("click", () => use(button.dataset.use));
}
ask?.addEventListener("click", () => ask.ariaDisabled === "true" || list());
document.getElementById("refused")?.focus();

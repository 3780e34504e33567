// Owns the test of the connection: reads its lines while they come, and shows a hint an engine and
// language.

import { element, instance, say } from "../pages/dom.js";

const root = document.getElementById("trial");
const form = document.getElementById("mode");
const button = document.getElementById("test");
const state = document.getElementById("trial-state");
const trials = document.getElementById("trials");
let shown = new Map();
let places = new Map();

const ACTS = {
  begin({ at, engine, language }) {
    const { fragment, slots } = instance("trial-template");
    slots.language.textContent = language;
    say(slots.chip, root.dataset.held);
    place(engine).append(fragment);
    shown.set(at, slots);
  },
  again({ at }) {
    shown.get(at).text.textContent = "";
  },
  text({ at, piece }) {
    const { text, chip } = shown.get(at);
    say(chip, "");
    text.textContent += piece;
  },
  end({ at, tone, message, text, said, advice, lines }) {
    const slots = shown.get(at);
    // What was blocked stays as it was streamed: the message says that nobody would see it.
    if (text) slots.text.textContent = text;
    slots.chip.dataset.tone = tone;
    say(slots.chip, tone && root.dataset[tone]);
    say(slots.message, message);
    say(slots.said, said);
    slots.advice.replaceChildren(...advice.map((text) => element("li", {}, text)));
    slots.advice.hidden = !advice.length;
    slots.lines.replaceChildren(
      ...lines.flatMap(([label, value]) => [element("dt", {}, label), element("dd", {}, value)]),
    );
    slots.lines.hidden = !lines.length;
  },
};

/** Where an engine's hints stand, in the order in which the engines began. */
function place(engine) {
  if (!places.has(engine)) {
    const languages = element("div", { class: "trial-languages" });
    trials.append(element("section", { class: "trial-engine" }, element("h3", {}, engine), languages));
    places.set(engine, languages);
  }
  return places.get(engine);
}

async function run() {
  button.setAttribute("aria-disabled", "true");
  trials.replaceChildren();
  shown = new Map();
  places = new Map();
  state.textContent = root.dataset.running;
  try {
    state.textContent = await told();
  } catch {
    state.textContent = root.dataset.lost;
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** What is to be said once all has been told. */
async function told() {
  const answer = await fetch(root.dataset.url, { method: "POST", body: new FormData(form) });
  if (answer.status === 400 && !answer.redirected) return (await answer.json()).errors.join(" ");
  if (!answer.ok || answer.redirected) throw new Error(answer.status);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const { kind, ...more } = JSON.parse(line);
      ACTS[kind](more);
    }
  }
  return root.dataset.done;
}

button?.addEventListener("click", () => button.ariaDisabled === "true" || run());

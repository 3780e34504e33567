// Owns the test of the connection: reads its lines while they come, and shows a hint an engine and
// language.

import { element, instance, say } from "../pages/dom.js";

const root = document.getElementById("trial");
const form = document.getElementById("mode");
const button = document.getElementById("test");
const state = document.getElementById("trial-state");
const trials = document.getElementById("trials");
let shown = new Map();

const ACTS = {
  begin({ at, engine, language }) {
    const { fragment, slots } = instance("trial-template");
    slots.engine.textContent = engine;
    slots.language.textContent = language;
    say(slots.chip, root.dataset.held);
    trials.append(fragment);
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
  end({ at, tone, message, said, advice, lines }) {
    const slots = shown.get(at);
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

async function run() {
  button.setAttribute("aria-disabled", "true");
  trials.replaceChildren();
  shown = new Map();
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

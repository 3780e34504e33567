// Owns the workbench of one exercise: joins editor, tests, ladder and hints.

import { copy, say } from "./dom.js";
import { Draft } from "./draft.js";
import { mountEditor } from "./editor.js";
import { History } from "./history.js";
import { Problem, call, insist, newKey } from "./http.js";
import { Ladder } from "./ladder.js";
import { showReport, verdict, whereItEnded } from "./report.js";
import { Solved } from "./solved.js";
import { Alert, Status } from "./status.js";

const page = JSON.parse(document.getElementById("page").textContent);
const { words } = page;
const at = (id) => document.getElementById(id);

const status = new Status(at("news"), at("status"));
const alert = new Alert(at("alert"), words);
const runAlert = new Alert(at("run-alert"), words);
const solved = new Solved(at("solved"), page.exercise, words);
const ladder = new Ladder(at("ask"), page.exercise);
const draft = new Draft(page.draft, page.starter, (saved) => {
  at("draft").textContent = saved ? words.draft_saved : words.draft_not_saved;
});
const editor = mountEditor({
  parent: at("editor"),
  code: draft.read(),
  language: page.language,
  nonce: document.querySelector("meta[property=csp-nonce]").nonce,
  label: words.editor,
  describedBy: "keys",
  onChange: (code) => draft.save(code),
  onRun: runTests,
});
const history = new History({
  list: at("hints"),
  empty: at("no-hints"),
  words,
  status,
  alert,
  onChange: () => setBusy(at("ask-button"), history.waiting !== undefined),
  onClimb: climb,
});

/** Shows the report of this code, and marks where it ended if the editor still has that code. */
function show(l0, code) {
  showReport(at("results"), l0, words, code, (line) => editor.goTo(line));
  history.about(code);
  editor.mark(editor.code() === code ? whereItEnded(l0.report, words) : null);
}

/** Ladder and quota may have changed. Without news of them all stays as it is. */
function climb() {
  ladder.refresh().then((left) => say(at("quota"), left), () => {});
}

function isBusy(button) {
  return button.getAttribute("aria-disabled") === "true";
}

/** Not the disabled attribute: it would throw the focus of a keyboard user away. */
function setBusy(button, busy) {
  button.setAttribute("aria-disabled", String(busy));
}

function clearAlerts() {
  alert.clear();
  runAlert.clear();
}

async function runTests() {
  if (isBusy(at("run"))) return;
  setBusy(at("run"), true);
  clearAlerts();
  status.say(words.running_tests);
  try {
    const body = { exercise: page.exercise, code: editor.code() };
    const { body: l0 } = await call("POST", "/v1/checks", { body });
    show(l0, body.code);
    status.say(verdict(l0.report, words));
    if (l0.report.verdict === "passed") solved.show();
    climb();
  } catch (error) {
    status.say("");
    runAlert.show(error);
  }
  setBusy(at("run"), false);
}

async function ask() {
  if (isBusy(at("ask-button"))) return;
  setBusy(at("ask-button"), true);
  clearAlerts();
  status.say(words.asking);
  try {
    const options = { body: request(), key: newKey() };
    const { body } = await insist("POST", "/v1/hints", options, (kind) => status.say(words[kind]));
    status.say("");
    show(body.l0, body.code);
    history.add(body);
    at("question").value = "";
    climb();
  } catch (error) {
    await refused(error);
  }
  setBusy(at("ask-button"), history.waiting !== undefined);
}

function request() {
  return {
    exercise: page.exercise,
    level: ladder.level,
    code: editor.code(),
    question: at("question").value,
    locale: page.locale,
  };
}

async function refused(error) {
  status.say("");
  alert.show(error);
  if (error instanceof Problem && error.name === "level-locked") climb();
  if (error instanceof Problem && error.name === "already-correct") solved.show();
  if (error instanceof Problem && error.name === "already-waiting") {
    await history.adopt(error.body.hint).catch((other) => alert.show(other));
  }
}

at("run").addEventListener("click", runTests);
at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
at("restart").addEventListener("click", () => {
  editor.set(page.starter);
  status.say(words.restarted);
});
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    if (await copy(at(button.dataset.copy))) status.tell(words.copied);
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
  event.preventDefault();
  runTests();
});
history.about(editor.code());
history.load(page.exercise).catch((error) => alert.show(error));
// Without it the card appears after the next run.
solved.load().catch(() => {});

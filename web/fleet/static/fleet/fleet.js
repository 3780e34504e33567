// Owns the fleet page: fresh figures every two seconds, nothing that is being typed is lost, and
// what a change would do is said before it is made.

import { keepFresh } from "../pages/fresh.js";

const PERIOD_MS = 2000;
const root = document.getElementById("fleet");
const notice = document.getElementById("fleet-notice");

function show(now) {
  say(now.notice);
  document.getElementById("fleet-backlog").textContent = now.backlog;
  showNodes(now.nodes);
  for (const row of document.querySelectorAll("tr[data-engine]")) {
    const engine = now.rows[row.dataset.engine];
    row.hidden = !engine;
    if (engine) showEngine(row, engine);
  }
  for (const part of document.querySelectorAll("[data-crash]")) {
    const lines = now.rows[part.dataset.crash]?.crash ?? "";
    const shown = part.querySelector("pre");
    // Whoever reads or selects them is not disturbed.
    if (shown.textContent !== lines) shown.textContent = lines;
    part.hidden = !lines;
  }
}

function say(text) {
  if (notice.textContent !== text) notice.textContent = text;
  notice.hidden = !text;
}

function showEngine(row, engine) {
  row.dataset.tone = engine.tone;
  for (const cell of row.querySelectorAll("[data-cell]")) {
    cell.textContent = engine.cells[cell.dataset.cell] ?? "";
  }
  for (const name of ["workers", "slots"]) showWanted(row, name, String(engine[name]));
  for (const [name, hidden] of [["drain", engine.draining], ["resume", !engine.draining]]) {
    const button = row.querySelector(`button[name=${name}]`);
    if (button) button.hidden = hidden;
  }
}

/** A field that holds what the page last showed follows the stored value; a typed one stays. */
function showWanted(row, name, stored) {
  const input = row.querySelector(`input[name="${name}-${row.dataset.engine}"]`);
  if (!input) {
    row.querySelector(`[data-wanted=${name}]`).textContent = stored;
    return;
  }
  const was = row.querySelector(`input[name="was-${name}-${row.dataset.engine}"]`);
  if (input.value !== was.value || input === document.activeElement) return;
  input.value = was.value = stored;
}

function showNodes(nodes) {
  const rows = nodes.map(([name, engines, crews]) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head);
    for (const text of [engines, crews]) row.insertCell().textContent = text;
    return row;
  });
  document.getElementById("fleet-nodes").replaceChildren(...rows);
}

async function planned(query) {
  const answer = await fetch(`${root.dataset.plan}?${query}`, { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : { told: [], problems: [] };
}

function list(into, { told, problems }) {
  const items = [...problems.map((text) => [text, "problem"]), ...told.map((text) => [text, ""])];
  into.replaceChildren(...items.map(([text, kind]) => {
    const item = document.createElement("li");
    item.textContent = text;
    item.className = kind;
    return item;
  }));
}

const form = document.getElementById("fleet-form");
const plan = document.getElementById("fleet-plan");
let typed = 0;
if (plan) {
  form.addEventListener("input", async () => {
    const mine = ++typed;
    const fields = new FormData(form);
    fields.delete("csrfmiddlewaretoken");
    const found = await planned(new URLSearchParams(fields));
    // A slow answer says nothing of what was typed since.
    if (mine === typed) list(plan, found);
  });
}

const asks = document.getElementById("drain-asks");
if (asks) {
  const [no, yes] = asks.querySelectorAll("button");
  form.addEventListener("click", async (event) => {
    const button = event.target.closest("button[name=drain]");
    if (!button) return;
    event.preventDefault();
    list(asks.querySelector(".plan"), await planned(new URLSearchParams({ drain: button.value })));
    asks.querySelector("h2").textContent = button.getAttribute("aria-label");
    yes.value = button.value;
    asks.showModal();
  });
  no.addEventListener("click", () => asks.close());
}

keepFresh(root.dataset.now, PERIOD_MS, show, () => say(root.dataset.lost));

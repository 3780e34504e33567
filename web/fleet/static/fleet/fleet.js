// Owns the fleet page: fresh figures every two seconds, and nothing that is being typed is lost.

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

keepFresh(root.dataset.now, PERIOD_MS, show, () => say(root.dataset.lost));

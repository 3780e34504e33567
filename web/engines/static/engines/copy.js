// Owns the buttons that copy a text of the page: each names the element that holds it.

import { copy } from "../pages/dom.js";

const told = document.getElementById("copied");

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const copied = await copy(document.getElementById(button.dataset.copy));
    // A status that says the same again is not read out, unless it was empty meanwhile.
    told.textContent = "";
    requestAnimationFrame(() => { told.textContent = copied ? told.dataset.copied : told.dataset.selected; });
  });
}

// Owns the buttons that copy a text of the page: each names the element that holds it.

const told = document.getElementById("copied");

async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return told.dataset.copied;
  } catch {
    // A page that is not reached over TLS has no clipboard, and a browser may forbid it.
    getSelection().selectAllChildren(source);
    return told.dataset.selected;
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = await copy(document.getElementById(button.dataset.copy));
    // A status that says the same again is not read out, unless it was empty meanwhile.
    told.textContent = "";
    requestAnimationFrame(() => { told.textContent = text; });
  });
}

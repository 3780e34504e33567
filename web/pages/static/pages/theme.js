// Owns the choice between the system's colours, light and dark: a cookie, so that the server
// sends the page in the right colours and nothing flashes.

const root = document.documentElement;
const group = document.getElementById("theme");
const YEAR_S = 31_536_000;

function mark() {
  for (const button of group.children) {
    const chosen = button.dataset.themeChoice === (root.dataset.theme ?? "");
    button.setAttribute("aria-pressed", String(chosen));
  }
}

group?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const choice = button.dataset.themeChoice;
  if (choice) root.dataset.theme = choice;
  else delete root.dataset.theme;
  document.cookie = `theme=${choice}; path=/; max-age=${choice ? YEAR_S : 0}; samesite=lax`;
  mark();
});

if (group) {
  mark();
  group.hidden = false;
}

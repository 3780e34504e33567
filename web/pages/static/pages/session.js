// Owns what this browser forgets when somebody signs out, or when somebody else signs in: the
// next person at a shared machine must not find the code of the last one.

const SIGNED_OUT = "signed_out";
const { user } = document.body.dataset;
const tabs = new BroadcastChannel("sign-out");

/** Drops the drafts of everybody, or of everybody else. */
function dropDrafts(mine = null) {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith("draft:") && !(mine && key.startsWith(mine))) localStorage.removeItem(key);
    }
  } catch {
    // A browser that keeps nothing has no drafts.
  }
}

// Not when the script of the page that is left asks for it: that page saves once more as it goes.
if (document.cookie.split("; ").includes(`${SIGNED_OUT}=1`)) {
  dropDrafts();
  document.cookie = `${SIGNED_OUT}=; path=/; max-age=0; samesite=lax`;
  tabs.postMessage(null);
} else if (user) {
  dropDrafts(`draft:${user}:`);
}

// Other tabs, and pages that the browser kept for its back button, still show what was there.
tabs.addEventListener("message", () => location.reload());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

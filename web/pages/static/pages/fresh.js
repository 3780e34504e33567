// Owns how a page for staff stays fresh: it asks for what changes while somebody looks at it.

const TIMEOUT_MS = 10_000;

/**
 * Asks the URL, or that which url() gives, for JSON every periodMs, and when the page is looked at
 * again; the answer's again_s, where it has one, says when instead. show(now) gets what is answered;
 * lost() is called where no answer comes: the next round asks again. Gives the function that asks
 * at once.
 */
export function keepFresh(url, periodMs, show, lost = () => {}) {
  let pauseMs = periodMs;

  async function refresh() {
    if (document.hidden) return;
    let now;
    try {
      now = await ask(typeof url === "function" ? url() : url);
    } catch {
      lost();
      return;
    }
    pauseMs = now.again_s ? now.again_s * 1000 : periodMs;
    show(now);
  }

  /** One round after the other: a slow answer never overtakes a later one. */
  async function round() {
    await refresh();
    setTimeout(round, pauseMs);
  }

  setTimeout(round, periodMs);
  document.addEventListener("visibilitychange", refresh);
  return refresh;
}

async function ask(url) {
  const answer = await fetch(url, {
    headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  // Signed out, the admin answers with its login page.
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  return answer.json();
}

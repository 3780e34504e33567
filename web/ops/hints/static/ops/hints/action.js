// Owns the page of an action on many hints: it asks for the next part until nothing is left.

const AGAIN_MS = 2000;
const TIMEOUT_MS = 10_000;
const root = document.getElementById("action");
const trouble = document.getElementById("trouble");
const token = root.querySelector("[name=csrfmiddlewaretoken]").value;

/** Answers how far it is now. Throws: the status of a refusal, or 0 where no answer comes. */
async function step() {
  let answer;
  try {
    answer = await fetch("", {
      method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" },
      redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw 0;
  }
  if (!answer.ok) throw answer.status;
  return answer.json();
}

function show(now) {
  document.getElementById("label").textContent = now.label;
  document.getElementById("text").textContent = now.text;
  const bar = document.getElementById("passed");
  // Without a number in all it moves as long as it is being done.
  if (now.total !== null || !now.running) {
    bar.max = now.total || 1;
    bar.value = now.state === "done" ? bar.max : now.passed;
  }
  document.getElementById("stop").hidden = !now.running;
  document.getElementById("go-on").hidden = now.state !== "stopped";
}

function say(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

async function run() {
  let running = root.dataset.running === "1";
  while (running) {
    const began = performance.now();
    try {
      const now = await step();
      say("");
      show(now);
      running = now.running;
      // Another page may be at it: then this one only looks.
      if (performance.now() - began < 50) await pause(200);
    } catch (status) {
      running = status === 0 || status >= 500;
      say(running ? root.dataset.lost : root.dataset.forbidden);
      await pause(AGAIN_MS);
    }
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

run();

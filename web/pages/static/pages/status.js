// Owns what the page says: one line of news, also spoken, and the alert.

import { Problem } from "./http.js";

const QUIET_MS = 5000;

/**
 * News appears in `seen` at once, and in `spoken` (role=status) at most once in five seconds,
 * the last of it always: a reader that is interrupted all the time says nothing.
 */
export class Status {
  constructor(seen, spoken) {
    Object.assign(this, { seen, spoken, next: null, timer: null });
  }

  say(text) {
    this.seen.textContent = text;
    this.tell(text);
  }

  /** Only spoken: it can be seen elsewhere. */
  tell(text) {
    this.next = text;
    if (this.timer === null) this.speak();
  }

  speak() {
    this.spoken.textContent = this.next;
    this.next = null;
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.next !== null) this.speak();
    }, QUIET_MS);
  }
}

/** The role=alert area. */
export class Alert {
  constructor(element, words) {
    Object.assign(this, { element, words });
  }

  clear() {
    this.element.replaceChildren();
  }

  /** error: a Problem, or Unreachable. */
  show(error) {
    const box = document.createElement("div");
    box.className = error.name === "already-correct" ? "alert cheer" : "alert";
    const { title, detail, errors = [] } = this.reading(error);
    box.append(paragraph(title, "alert-title"));
    for (const line of new Set([detail, ...errors.map(({ what }) => what)])) {
      if (line) box.append(paragraph(line));
    }
    if (error.status === 401) box.append(this.signIn());
    this.element.replaceChildren(box);
    box.scrollIntoView({ block: "nearest" });
  }

  reading(error) {
    if (error instanceof Problem) return error.body;
    return { title: this.words.unreachable, detail: this.words.unreachable_detail };
  }

  signIn() {
    const link = document.createElement("a");
    link.href = `/accounts/login/?next=${encodeURIComponent(location.pathname)}`;
    link.textContent = this.words.signed_out;
    return link;
  }
}

function paragraph(text, className = "") {
  const element = document.createElement("p");
  element.className = className;
  element.textContent = text;
  return element;
}

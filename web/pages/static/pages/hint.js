// Owns the card of one hint: its wait, its words as they arrive, its end, and the feedback on it.

import { fill, instance, say } from "./dom.js";
import { showReport } from "./report.js";
import { isFinal } from "./watch.js";

/**
 * A card for this hint. actions.stop(hint), actions.rate(hint, helpful, comment) and
 * actions.reflect(hint, text) return promises; the last two give the hint as it then is, or null
 * where that failed.
 */
export class HintCard {
  constructor(hint, words, actions) {
    const { fragment, slots } = instance("hint-card");
    Object.assign(this, { hint, words, actions, slots, streamed: "", shown: "" });
    this.element = fragment.firstElementChild;
    this.votes = [...this.element.querySelectorAll("[data-vote]")];
    this.fillHead();
    this.listen();
    this.show(hint);
  }

  fillHead() {
    const { slots, hint, words } = this;
    const asked = new Date(hint.created_at);
    const format = { dateStyle: "medium", timeStyle: "short" };
    slots.level.textContent = words[`level_${hint.level}`];
    slots.time.dateTime = hint.created_at;
    slots.time.textContent = asked.toLocaleString(document.documentElement.lang, format);
    slots.code.textContent = hint.code;
    say(slots.question, hint.question);
    slots.thought.value = hint.reflection;
  }

  /** code: of the program that is run or written on now. */
  about(code) {
    this.slots.outdated.hidden = this.hint.code === code;
  }

  listen() {
    this.slots.stop.addEventListener("click", () => this.stop());
    this.slots.then.addEventListener("toggle", () => this.showThen(), { once: true });
    for (const vote of this.votes) {
      vote.addEventListener("click", () => this.rate(vote.dataset.vote === "yes"));
    }
    this.slots.reflection.addEventListener("submit", (event) => {
      event.preventDefault();
      this.reflect();
    });
    this.slots.comment.addEventListener("submit", (event) => {
      event.preventDefault();
      this.rate(this.hint.feedback.helpful);
    });
  }

  /** The test report of the code that was sent; not before somebody looks. */
  showThen() {
    showReport(this.slots.report, this.hint.l0, this.words, this.hint.code);
  }

  /** The row as the server has it. */
  show(hint) {
    this.hint = hint;
    if (isFinal(hint)) this.end();
    else this.wait();
  }

  wait() {
    const { slots, hint } = this;
    this.chip(hint.state);
    slots.waiting.hidden = false;
    slots.text.setAttribute("aria-busy", "true");
    if (hint.state === "queued") this.place(hint.position, hint.eta_s);
    else this.started();
  }

  started() {
    this.chip("running");
    this.slots.place.textContent = this.words.writing;
  }

  /** Where the hint is on its way, as the card says it. */
  get where() {
    return this.slots.place.textContent;
  }

  /** position: from 1, or 0 or null once a slot is granted. eta_s: seconds, or null if unknown. */
  place(position, eta_s) {
    this.chip("queued");
    const { words } = this;
    this.slots.place.textContent = position
      ? fill(eta_s === null ? words.in_line : words.in_line_eta, { position, eta: this.duration(eta_s) })
      : words.starting;
  }

  duration(seconds) {
    const { words } = this;
    if (seconds < 90) return fill(words.seconds, { n: Math.max(1, Math.round(seconds)) });
    return fill(words.minutes, { n: Math.round(seconds / 60) });
  }

  piece(text) {
    this.streamed += text;
    this.atLeast(this.streamed);
  }

  /** Text read beside the stream; the longer one knows more. */
  atLeast(text) {
    if (text.length <= this.shown.length) return;
    this.shown = text;
    this.slots.text.textContent = text;
  }

  /** Forgets the text: another attempt, or a copy of it, begins with `text`. */
  reset(text = "") {
    this.streamed = this.shown = text;
    this.slots.text.textContent = text;
  }

  end() {
    const { slots, hint, words } = this;
    this.chip(hint.state);
    slots.waiting.hidden = true;
    slots.text.removeAttribute("aria-busy");
    // Rendered by the server from an allow-list of tags.
    slots.text.innerHTML = hint.html;
    if (hint.locale) slots.text.lang = hint.locale;
    say(slots.notice, hint.notice);
    const proof = hint.verified === null ? "" : hint.verified ? "_verified" : "_unverified";
    say(slots.proof, words[`proof${proof}`]);
    say(slots.source, words[`by_${hint.source}${proof}`]);
    slots.feedback.hidden = slots.reflection.hidden = hint.source === "none";
    this.showFeedback();
  }

  showFeedback() {
    const { helpful, comment } = this.hint.feedback;
    for (const vote of this.votes) {
      vote.setAttribute("aria-pressed", String((vote.dataset.vote === "yes") === helpful));
    }
    this.slots.comment.hidden = helpful === null;
    this.slots.comment.elements.comment.value = comment;
  }

  async reflect() {
    const { slots, words } = this;
    slots.reflected.textContent = "";
    const kept = await this.actions.reflect(this.hint, slots.thought.value);
    if (!kept) return;
    this.hint = kept;
    slots.reflected.textContent = words.reflected;
  }

  async stop() {
    this.slots.place.textContent = this.words.stopping;
    this.slots.stop.setAttribute("aria-disabled", "true");
    await this.actions.stop(this.hint);
    this.slots.stop.removeAttribute("aria-disabled");
  }

  async rate(helpful) {
    const comment = this.slots.comment.elements.comment.value;
    const rated = await this.actions.rate(this.hint, helpful, comment);
    if (!rated) return;
    this.hint = rated;
    this.showFeedback();
    this.slots.thanks.textContent = this.words.thanks;
  }

  chip(state) {
    this.slots.state.textContent = this.words[`state_${state}`];
    this.slots.state.dataset.state = state;
  }
}

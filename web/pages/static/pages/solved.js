// Owns the card of a solved exercise: the student explains why the program works.

import { call } from "./http.js";
import { Alert } from "./status.js";

/** `card` stays hidden until every test has passed once; exercise: its path. */
export class Solved {
  constructor(card, exercise, words) {
    Object.assign(this, { card, exercise, words });
    this.form = card.querySelector("form");
    this.field = this.form.elements.text;
    this.news = card.querySelector("[role=status]");
    this.alert = new Alert(card.querySelector("[role=alert]"), words);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    this.field.addEventListener("input", () => { this.news.textContent = ""; });
  }

  show() {
    this.card.hidden = false;
  }

  /** What the student wrote earlier, unless they write already. */
  async load() {
    const { body } = await call("GET", `/v1/explanations?exercise=${encodeURIComponent(this.exercise)}`);
    if (!body.solved) return;
    this.field.value ||= body.text;
    this.show();
  }

  async save() {
    this.alert.clear();
    this.news.textContent = "";
    try {
      const body = { exercise: this.exercise, text: this.field.value };
      const { body: kept } = await call("PUT", "/v1/explanations", { body });
      this.news.textContent = this.words[kept.text ? "reflected" : "taken_back"];
    } catch (error) {
      this.alert.show(error);
    }
  }
}

// Owns the choice of a level: which rungs are open, and which one is chosen.

import { call } from "./http.js";

/** The radio inputs inside `form`, in rising order; what opens them the server knows. */
export class Ladder {
  constructor(form, exercise) {
    this.rungs = [...form.elements.level];
    this.path = `/v1/ladder?exercise=${encodeURIComponent(exercise)}`;
  }

  get level() {
    return Number(this.rungs.find((rung) => rung.checked).value);
  }

  get highest() {
    return this.rungs.filter((rung) => !rung.disabled).length;
  }

  /** Asks what is open by now. Chooses the highest level where another one is that than before. */
  async refresh() {
    const { body } = await call("GET", this.path);
    if (body.highest !== this.highest) this.rungs[body.highest - 1].checked = true;
    for (const rung of this.rungs) {
      const level = Number(rung.value);
      const label = rung.closest(".rung");
      rung.disabled = level > body.highest;
      label.toggleAttribute("data-locked", rung.disabled);
      if (level === body.highest + 1) label.querySelector(".rung-lock").textContent = body.why;
    }
  }
}

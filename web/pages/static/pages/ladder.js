// Owns the choice of a level: which rungs are open, and which one is chosen.

import { call } from "./http.js";

/** The radio inputs inside `form`, in rising order; what opens them the server knows. */
export class Ladder {
  constructor(form, exercise) {
    this.rungs = [...form.elements.level];
    this.advised = this.level;
    this.path = `/v1/ladder?exercise=${encodeURIComponent(exercise)}`;
  }

  get level() {
    return Number(this.rungs.find((rung) => rung.checked).value);
  }

  /**
   * Asks what is open by now. Chooses the advised level where another one is advised than before,
   * or where the chosen one is there no longer. Gives the sentence on how many hints by AI are left.
   */
  async refresh() {
    const { body } = await call("GET", this.path);
    const gone = !body.levels.includes(this.level);
    if (gone || body.advised !== this.advised) this.rungs[body.advised - 1].checked = true;
    this.advised = body.advised;
    const next = body.levels.find((level) => level > body.highest);
    for (const rung of this.rungs) {
      const level = Number(rung.value);
      const label = rung.closest(".rung");
      label.hidden = !body.levels.includes(level);
      rung.disabled = label.hidden || level > body.highest;
      label.toggleAttribute("data-locked", rung.disabled);
      if (level === next) label.querySelector(".rung-lock").textContent = body.why;
    }
    return body.quota.words;
  }
}

// Owns the choice of a level: which rungs are open, and which one is chosen.

/** rungs: the radio inputs inside `form`, in rising order. */
export class Ladder {
  constructor(form) {
    this.rungs = [...form.elements.level];
  }

  get level() {
    return Number(this.rungs.find((rung) => rung.checked).value);
  }

  /** A hint of this level was received: opens the next one, and chooses it. */
  received(level) {
    const next = this.rungs.find((rung) => Number(rung.value) === level + 1);
    if (!next?.disabled) return;
    next.disabled = false;
    next.closest(".rung").removeAttribute("data-locked");
    next.checked = true;
  }
}

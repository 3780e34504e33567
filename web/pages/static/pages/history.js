// Owns the hints of this exercise: their cards, and following the unfinished ones.

import { call, insist } from "./http.js";
import { HintCard } from "./hint.js";
import { Watch, isFinal } from "./watch.js";

/**
 * Cards go into `list`, newest first. status, alert: where news is said. onChange(): a hint came
 * or ended. onClimb(): another level may be open by now, or another number of hints be left.
 */
export class History {
  constructor({ list, empty, words, status, alert, onChange, onClimb }) {
    Object.assign(this, { list, empty, words, status, alert, onChange, onClimb });
    this.cards = new Map();
    this.trouble = null;
    this.watch = new Watch({
      event: (kind, data) => this.event(kind, data),
      hint: (hint, live) => this.read(hint, live),
      lost: (id, error) => this.lost(id, error),
      trouble: (kind) => this.say(kind),
    });
  }

  /** The unfinished hint of this exercise, or undefined. */
  get waiting() {
    return [...this.cards.values()].map(({ hint }) => hint).find((hint) => !isFinal(hint));
  }

  /** Loads what was asked before; follows what is unfinished. */
  async load(exercise) {
    const path = `/v1/hints?exercise=${encodeURIComponent(exercise)}`;
    const { body } = await insist("GET", path, {}, (kind) => this.say(kind));
    this.say(null);
    for (const hint of body.items.reverse()) this.add(hint);
  }

  /** Marks the hints whose program was another one than this. */
  about(code) {
    this.code = code;
    for (const card of this.cards.values()) card.about(code);
  }

  /** Puts the hint on top, and follows it to its end. */
  add(hint) {
    if (this.cards.has(hint.id)) return;
    for (const { element } of this.cards.values()) element.open = false;
    const card = new HintCard(hint, this.words, {
      stop: (asked) => this.stop(asked),
      rate: (asked, helpful, comment) => this.rate(asked, helpful, comment),
      reflect: (asked, text) => this.reflect(asked, text),
    });
    this.cards.set(hint.id, card);
    card.about(this.code);
    this.list.prepend(card.element);
    this.empty.hidden = true;
    if (!isFinal(hint)) {
      this.watch.add(hint.id);
      this.status.tell(card.where);
    }
    this.onChange();
  }

  /** A hint that another tab asked for. */
  async adopt(id) {
    const { body } = await call("GET", `/v1/hints/${id}`);
    this.add(body);
  }

  // News of a hint that was lost may come after that: it has no card any more.

  event(kind, data) {
    const card = this.cards.get(data.hint);
    if (!card) return;
    if (kind === "piece") card.piece(data.text);
    else if (kind === "snapshot") card.reset(data.text);
    else if (kind === "position" || kind === "queued") {
      card.place(data.position ?? null, data.eta_s ?? null);
      this.status.tell(card.where);
    } else {
      if (kind === "reset") card.reset();
      card.started();
      this.status.say(kind === "reset" ? this.words.again : this.words.writing);
    }
  }

  read(hint, live) {
    const card = this.cards.get(hint.id);
    if (!card) return;
    if (isFinal(hint)) this.end(card, hint);
    else if (!live) {
      card.show(hint);
      card.atLeast(hint.text);
    }
  }

  end(card, hint) {
    card.show(hint);
    const received = hint.source !== "none";
    this.status.say(received ? this.words.ready : this.words.stopped);
    this.onClimb();
    this.onChange();
  }

  lost(id, error) {
    const card = this.cards.get(id);
    if (!card) return;
    card.element.remove();
    this.cards.delete(id);
    this.alert.show(error);
    this.onChange();
  }

  say(trouble) {
    if (trouble !== null && trouble !== this.trouble) this.status.say(this.words[trouble]);
    if (trouble === null && this.trouble !== null) this.status.say("");
    this.trouble = trouble;
  }

  async stop(hint) {
    await this.act(async () => {
      const { body } = await call("POST", hint.links.cancel, { body: {} });
      this.read(body, false);
    });
  }

  async rate(hint, helpful, comment) {
    return this.put(hint.links.feedback, { helpful, comment });
  }

  async reflect(hint, text) {
    const kept = await this.put(hint.links.reflection, { text });
    if (kept) this.onClimb();
    return kept;
  }

  /** What the student says to a hint; gives the hint as it then is, or null where that failed. */
  async put(link, body) {
    return this.act(async () => (await call("PUT", link, { body })).body);
  }

  async act(work) {
    this.alert.clear();
    try {
      return await work();
    } catch (error) {
      this.alert.show(error);
      return null;
    }
  }
}

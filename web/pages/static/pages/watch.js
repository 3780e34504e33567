// Owns following the unfinished hints of this tab: one EventSource for all, polling beside it.
//
// Reading the hints by GET always goes on, slowly while the stream is open and at the server's
// pace while it is not, so a proxy that swallows events delays a hint but never loses it.

import { Problem, call, passing, trouble } from "./http.js";

const OPEN_WITHIN_MS = 4000;
const CHECK_S = 15;
const PACE_S = 2;
const DONE_S = 1;
const SLOWEST_S = 30;
const NUMBERED = ["started", "piece", "reset", "queued"];
const UNNUMBERED = ["position", "snapshot"];

/**
 * on.event(kind, data): each event once, in order. on.hint(hint, live): a row was read; live:
 * the stream is open, so it knows more than the row. on.lost(id, error): following ended.
 * on.trouble("offline" | "busy" | null): what stands between us and the server now.
 */
export class Watch {
  constructor(on) {
    Object.assign(this, { on, hints: new Map(), source: null, live: false, timer: null, late: null });
    document.addEventListener("visibilitychange", () => this.wake());
    addEventListener("online", () => this.wake());
  }

  add(id) {
    if (this.hints.has(id)) return;
    this.hints.set(id, { seen: null, etag: null, done: false });
    this.wake();
  }

  /** Starts afresh: a new stream, and a reading soon. A hidden tab holds no connection. */
  wake() {
    this.close();
    clearTimeout(this.timer);
    if (document.hidden || this.hints.size === 0) return;
    this.open();
    this.timer = setTimeout(() => this.poll(PACE_S), OPEN_WITHIN_MS);
  }

  open() {
    const source = new EventSource(this.address());
    this.source = source;
    this.late = setTimeout(() => this.blocked(), OPEN_WITHIN_MS);
    source.onopen = () => {
      clearTimeout(this.late);
      this.live = true;
      this.on.trouble(null);
    };
    source.onerror = () => {
      this.live = false;
      if (source.readyState === EventSource.CLOSED) this.blocked();
      else this.pollIn(PACE_S);
    };
    for (const kind of NUMBERED) source.addEventListener(kind, (event) => this.numbered(kind, event));
    for (const kind of UNNUMBERED) {
      source.addEventListener(kind, (event) => this.on.event(kind, JSON.parse(event.data)));
    }
    source.addEventListener("done", (event) => this.done(JSON.parse(event.data).hint));
    // The hint was deleted, or is no longer ours to read: asking for it says which, in words.
    source.addEventListener("lost", () => this.pollIn(0));
  }

  close() {
    clearTimeout(this.late);
    this.source?.close();
    this.source = null;
    this.live = false;
  }

  /** The stream cannot be had: polling alone, until the tab wakes again. */
  blocked() {
    this.close();
    this.pollIn(0);
  }

  address() {
    const query = new URLSearchParams([...this.hints.keys()].map((id) => ["hint", id]));
    const last = [...this.hints].filter(([, { seen }]) => seen);
    if (last.length) query.set("last", last.map(([id, { seen }]) => `${id}:${seen.join("-")}`).join());
    return `/v1/events?${query}`;
  }

  numbered(kind, event) {
    const data = JSON.parse(event.data);
    const hint = this.hints.get(data.hint);
    const id = eventId(event.lastEventId, data.hint);
    // A stream opened anew may begin before what this page has shown.
    if (!hint || (id && hint.seen && !after(id, hint.seen))) return;
    hint.seen = id ?? hint.seen;
    this.on.event(kind, data);
  }

  done(id) {
    const hint = this.hints.get(id);
    if (!hint) return;
    hint.done = true;
    // Else EventSource takes the server's goodbye for a lost connection and comes back.
    if ([...this.hints.values()].every(({ done }) => done)) this.close();
    this.pollIn(0);
  }

  pollIn(seconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(seconds), 1000 * seconds);
  }

  /** paceS: what the last round waited; a round that fails waits twice as long. */
  async poll(paceS) {
    if (document.hidden) return;
    let waitS = this.live ? CHECK_S : PACE_S;
    for (const id of [...this.hints.keys()]) {
      try {
        waitS = (await this.read(id)) ?? waitS;
      } catch (error) {
        if (!passing(error)) throw error;
        this.on.trouble(trouble(error));
        waitS = error.retryAfterS ?? Math.min(SLOWEST_S, 2 * Math.max(1, paceS));
        break;
      }
    }
    if (this.hints.size === 0) this.close();
    else if ([...this.hints.values()].some(({ done }) => done)) this.pollIn(DONE_S);
    else this.pollIn(this.live ? Math.max(waitS, CHECK_S) : waitS);
  }

  /** Reads one hint; answers the server's Retry-After in seconds, or null. */
  async read(id) {
    const known = this.hints.get(id);
    if (!known) return null;
    let answer;
    try {
      answer = await call("GET", `/v1/hints/${id}`, { etag: known.etag });
    } catch (error) {
      if (passing(error) || !(error instanceof Problem)) throw error;
      this.hints.delete(id);
      this.on.lost(id, error);
      return null;
    }
    this.on.trouble(null);
    known.etag = answer.etag ?? known.etag;
    if (answer.body) {
      if (isFinal(answer.body)) this.hints.delete(id);
      this.on.hint(answer.body, this.live);
    }
    return answer.retryAfterS;
  }
}

export function isFinal(hint) {
  return hint.state !== "queued" && hint.state !== "running";
}

/** [attempt, seq] of this hint in an id such as `a:1-17,b:2-3`; null if it is not there. */
function eventId(composite, hint) {
  const part = composite.split(",").find((each) => each.startsWith(`${hint}:`));
  return part ? part.slice(hint.length + 1).split("-").map(Number) : null;
}

function after([attempt, seq], [seenAttempt, seenSeq]) {
  return attempt > seenAttempt || (attempt === seenAttempt && seq > seenSeq);
}

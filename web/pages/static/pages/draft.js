// Owns the student's unsent code in this browser, one draft an exercise.

const SAVE_AFTER_MS = 400;

/** Keeps code under `key`; the starter code is not worth keeping. onSaved(whether it worked). */
export class Draft {
  constructor(key, starter, onSaved) {
    Object.assign(this, { key, starter, onSaved, timer: null, unsaved: null });
    addEventListener("pagehide", () => this.flush());
  }

  read() {
    try {
      return localStorage.getItem(this.key) ?? this.starter;
    } catch {
      return this.starter;
    }
  }

  save(code) {
    this.unsaved = code;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), SAVE_AFTER_MS);
  }

  flush() {
    clearTimeout(this.timer);
    if (this.unsaved === null) return;
    try {
      if (this.unsaved === this.starter) localStorage.removeItem(this.key);
      else localStorage.setItem(this.key, this.unsaved);
      this.onSaved(true);
    } catch {
      this.onSaved(false);
    }
    this.unsaved = null;
  }
}

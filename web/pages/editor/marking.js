// Owns the mark on the line where a program came to its end; it goes when that line is edited.

import { RangeSet, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration, EditorView, GutterMarker, WidgetType, gutterLineClass,
} from "@codemirror/view";

const put = StateEffect.define();

/** What is said under the line, read as text of the editor. end: {text, values: ["cups = 1"]} */
class Note extends WidgetType {
  constructor(end) {
    super();
    this.end = end;
  }

  toDOM() {
    const note = document.createElement("div");
    note.className = "cm-ended-note";
    note.append(`▲ ${this.end.text}`);
    for (const value of this.end.values) {
      const code = document.createElement("code");
      code.textContent = value;
      note.append(" ", code);
    }
    return note;
  }
}

class NumberMark extends GutterMarker {
  elementClass = "cm-ended-number";
}

const LINE = Decoration.line({ class: "cm-ended" });
const NUMBER = new NumberMark();

/** null, or {end, line}; line: as the document has it, with from, to and text. */
export const marking = StateField.define({
  create: () => null,
  update(marked, { changes, docChanged, effects, state: { doc } }) {
    for (const effect of effects) if (effect.is(put)) return placed(effect.value, doc);
    if (!marked || !docChanged) return marked;
    const from = changes.mapPos(marked.line.from, 1);
    const line = doc.lineAt(from);
    return line.from === from && line.text === marked.line.text ? { end: marked.end, line } : null;
  },
  provide: (own) => [
    EditorView.decorations.from(own, (marked) => (marked ? decorations(marked) : Decoration.none)),
    gutterLineClass.from(own, (marked) =>
      marked ? RangeSet.of([NUMBER.range(marked.line.from)]) : RangeSet.empty,
    ),
  ],
});

function placed(end, doc) {
  return end && end.line <= doc.lines ? { end, line: doc.line(end.line) } : null;
}

function decorations({ end, line }) {
  const note = Decoration.widget({ widget: new Note(end), block: true, side: 1 });
  return Decoration.set([LINE.range(line.from), note.range(line.to)]);
}

/** Puts the mark on end.line, 1-based, in the place of another; null takes it away. */
export function mark(view, end) {
  view.dispatch({ effects: put.of(end) });
}

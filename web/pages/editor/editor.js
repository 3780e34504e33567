// Owns the code editor: CodeMirror 6 with Hintline's colours, keys and languages.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { cpp } from "@codemirror/lang-cpp";
import { java } from "@codemirror/lang-java";
import { javascript } from "@codemirror/lang-javascript";
import { python } from "@codemirror/lang-python";
import {
  bracketMatching, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import {
  EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { mark, marking } from "./marking.js";

const LANGUAGES = { python, javascript, java, cpp, c: cpp, "c++": cpp };

// Colours are the page's custom properties, so light and dark need no second theme.
const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--code-ground)", fontSize: "0.9rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", overflow: "auto" },
  ".cm-content": { padding: "0.75rem 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 1rem 0 0.75rem" },
  ".cm-gutters": {
    color: "var(--ink-soft)", backgroundColor: "transparent", border: "0", paddingLeft: "0.5rem",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--code-line)" },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "var(--code-match)", outline: "1px solid var(--line-strong)",
  },
  ".cm-ended": { backgroundColor: "var(--hint-soft)", boxShadow: "inset 3px 0 var(--hint)" },
  ".cm-ended-number": { color: "var(--hint-text)", fontWeight: "700" },
  // Neither widens the code nor reaches out of what can be seen of it.
  ".cm-ended-note": {
    width: "0", minWidth: "100%", whiteSpace: "normal", overflowWrap: "anywhere",
    padding: "0.2rem max(0.75rem, 100% - min(36rem, 100cqw - 4rem)) 0.35rem 0.75rem",
    backgroundColor: "var(--hint-soft)", color: "var(--hint-text)",
    boxShadow: "inset 3px 0 var(--hint)", fontFamily: "var(--sans)", fontSize: "0.85rem",
  },
  ".cm-ended-note code": { display: "inline-block", marginRight: "0.4rem", color: "var(--ink)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", color: "var(--bad)" },
});

// Esc lets Tab leave the editor until it is focused anew; CodeMirror's own two seconds are too
// short for many readers (WCAG 2.2.1).
const leave = [
  { key: "Escape", run: (view) => (view.setTabFocusMode(true), true) },
];

/**
 * Put an editor into `parent`.
 *
 * language: python, javascript, java, cpp, c; any other is edited as plain text.
 * nonce: of the page's style-src, for the styles CodeMirror adds.
 * label, describedBy: accessible name, and the id of the element that explains the keys.
 * onChange(code): after each edit. onRun(): Ctrl/Cmd+Enter.
 * Returns {code(): string, set(code), focus(), mark(end), goTo(line)}. end: {line, text, values},
 * what is said of a line until it is edited, or null; a line is 1-based.
 */
export function mountEditor({
  parent, code, language, nonce, label, describedBy, onChange, onRun,
}) {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: code,
      extensions: [
        EditorView.cspNonce.of(nonce),
        theme,
        lineNumbers(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        history(),
        indentOnInput(),
        indentUnit.of("    "),
        bracketMatching(),
        closeBrackets(),
        syntaxHighlighting(classHighlighter),
        marking,
        LANGUAGES[language]?.() ?? [],
        keymap.of([
          { key: "Mod-Enter", run: () => (onRun(), true) },
          ...leave, ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab,
        ]),
        EditorView.contentAttributes.of({
          "aria-label": label, "aria-describedby": describedBy, tabindex: "0", translate: "no",
        }),
        EditorView.domEventHandlers({
          focus: (_event, editor) => editor.setTabFocusMode(false),
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    code: () => view.state.doc.toString(),
    set: (text) => view.dispatch({
      changes: { from: 0, to: view.state.doc.length, insert: text },
    }),
    focus: () => view.focus(),
    mark: (end) => mark(view, end),
    goTo: (line) => {
      const anchor = view.state.doc.line(Math.min(line, view.state.doc.lines)).from;
      view.dispatch({ selection: { anchor }, scrollIntoView: true });
      view.focus();
    },
  };
}

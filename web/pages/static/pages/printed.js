// Owns two printed texts side by side: where they part is marked, and blanks can be seen there.

import { element } from "./dom.js";

const SIGNS = { " ": "·", "\t": "→", "\n": "↵", "\r": "␍" };

/**
 * Nodes of both texts, and whether they differ in blanks alone. Where they differ in a word, the
 * first such word is marked in each; else the first stretch of blanks that differs.
 */
export function compare(expected, got) {
  const [left, right] = [pieces(expected), pieces(got)];
  const word = firstDifference(left.words, right.words);
  const blank = firstDifference(left.blanks, right.blanks);
  const blanksAlone = word === -1 && blank !== -1;
  const at = word === -1 ? 2 * blank : 2 * word + 1;
  return { expected: marked(left.all, at), got: marked(right.all, at), blanksAlone };
}

/** all: blanks, word, blanks, word … blanks. No editor shows a text's last line end. */
function pieces(text) {
  const all = text.replace(/\r?\n$/, "").split(/(\S+)/);
  return { all, words: all.filter((_, at) => at % 2), blanks: all.filter((_, at) => at % 2 === 0) };
}

function firstDifference(left, right) {
  const longer = left.length > right.length ? left : right;
  return longer.findIndex((_, at) => left[at] !== right[at]);
}

function marked(all, at) {
  return all.map((piece, number) => {
    if (number !== at || !piece) return piece;
    return element("mark", {}, ...[...piece].map(seen));
  });
}

/** The sign is drawn by the style sheet, so that a copy has the character itself. */
function seen(character) {
  if (!SIGNS[character]) return character;
  return element("span", { class: "blank", "data-sign": SIGNS[character] }, character);
}

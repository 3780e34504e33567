// Owns small help with the document: templates with named slots, and sentences with gaps.

/** A copy of <template id>: its fragment, and its `data-slot` elements by name. */
export function instance(id) {
  const fragment = document.getElementById(id).content.cloneNode(true);
  const slots = Object.fromEntries(
    [...fragment.querySelectorAll("[data-slot]")].map((element) => [element.dataset.slot, element]),
  );
  return { fragment, slots };
}

/** The sentence with each `{name}` replaced by its value. */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_gap, name) => values[name]);
}

/** The text as nodes, its `code spans` as <code>; no other Markdown is in a report's words. */
export function withCode(text) {
  return text.split(/(`` .+? ``|`[^`]+`)/).map((part) => {
    if (!part.startsWith("`")) return part;
    const code = document.createElement("code");
    code.textContent = part.replace(/^`+ ?| ?`+$/g, "");
    return code;
  });
}

/** Shows the element with this text; hides it where there is none. */
export function say(element, text) {
  element.textContent = text || "";
  element.hidden = !text;
}

/** A new element. children: nodes and texts. */
export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Puts the element's text into the clipboard; false if it could only select the text. */
export async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // A page over plain HTTP has no clipboard, and a browser may forbid it; what is selected may
    // be copied there.
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

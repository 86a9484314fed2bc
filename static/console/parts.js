// Shows a part of a page anew, as the server renders it: everything that agents said was escaped there.

export class NotCurrent extends Error {
  constructor(words, state = "disconnected") {
    super(words);
    this.state = state;
  }
}

// The elements of a page that the server answers with; nothing in it is run. Throws with words for people.
export async function fetchPart(address) {
  let answer;
  try {
    answer = await fetch(address, { credentials: "same-origin", redirect: "manual" });
  } catch {
    throw new NotCurrent("the server cannot be reached");
  }
  // Whoever is signed out is sent to the login.
  if (answer.type === "opaqueredirect") throw new NotCurrent("you are signed out", "signed-out");
  if (!answer.ok) {
    throw new NotCurrent(answer.status >= 500 ? "the server cannot answer at the moment" : `refused (${answer.status})`);
  }
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// What is in `root` is now what the document has; who uses the keyboard stays where they were.
export function replace(root, content) {
  const focused = root.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  root.replaceChildren(...[...content.body.childNodes].map((node) => document.adoptNode(node)));
  if (focused !== null) {
    root.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
}

// A panel is drawn anew with every state. What is already there and the same stays, so that focus, selection, scroll
// position and opened details survive. Painted elements carry no listeners of their own: see `acts.js`.

/** The element's children are as these are. */
export function repaint(root, ...children) {
  const wanted = document.createElement("div");
  for (const child of children.flat(Infinity)) if (child) wanted.append(child);
  match(root, wanted);
}

function match(present, wanted) {
  const old = [...present.childNodes];
  const fresh = [...wanted.childNodes];
  fresh.forEach((node, index) => {
    const former = old[index];
    if (!former) present.append(node);
    else if (!isAlike(former, node)) former.replaceWith(node);
    else become(former, node);
  });
  for (const left of old.slice(fresh.length)) left.remove();
}

// An element of another thing (`data-of`) is another element: an opened row does not become somebody else's.
function isAlike(former, node) {
  if (former.nodeName !== node.nodeName) return false;
  return former.nodeType !== Node.ELEMENT_NODE || former.getAttribute("data-of") === node.getAttribute("data-of");
}

function become(former, node) {
  if (former.nodeType !== Node.ELEMENT_NODE) {
    if (former.nodeValue !== node.nodeValue) former.nodeValue = node.nodeValue;
    return;
  }
  for (const { name } of [...former.attributes]) {
    if (!node.hasAttribute(name) && !isTheirs(former, name)) former.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (former.getAttribute(name) !== value && !isTheirs(former, name)) former.setAttribute(name, value);
  }
  match(former, node);
}

// Whether details are open is for the reader to say.
function isTheirs(former, name) {
  return name === "open" && former.nodeName === "DETAILS";
}

// A panel is drawn anew with every state. What is already there and the same stays, so that focus, selection, scroll
// position and opened details survive. Painted elements carry no listeners of their own: see `acts.js`.

/** The element's children are as these are. */
export function repaint(root, ...children) {
  const wanted = document.createElement("div");
  for (const child of children.flat(Infinity)) if (child) wanted.append(child);
  match(root, wanted);
}

// Nothing is moved that need not be: a node that moves loses the focus.
function match(present, wanted) {
  const fresh = [...wanted.childNodes];
  const former = continued([...present.childNodes], fresh);
  const kept = new Set(former);
  for (const node of [...present.childNodes]) if (!kept.has(node)) node.remove();
  let at = present.firstChild;
  fresh.forEach((node, index) => {
    const old = former[index];
    if (!old) return present.insertBefore(node, at);
    if (old === at) at = at.nextSibling;
    else present.insertBefore(old, at);
    return become(old, node);
  });
}

// For each fresh node the old one that it goes on from: of the same kind, and of the same thing where it says of which
// (`data-of`). An opened row stays itself wherever it stands, and does not become somebody else's.
function continued(old, fresh) {
  const waiting = new Map();
  for (const node of old) waiting.set(nameOf(node), [...(waiting.get(nameOf(node)) ?? []), node]);
  return fresh.map((node) => waiting.get(nameOf(node))?.shift());
}

function nameOf(node) {
  const isElement = node.nodeType === Node.ELEMENT_NODE;
  return isElement ? JSON.stringify([node.nodeName, node.getAttribute("data-of")]) : node.nodeName;
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

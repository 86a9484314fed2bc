// Elements of a page. Text goes in as text and nothing else: what agents wrote is never read as markup.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "g", "path", "circle", "rect", "text", "title", "defs", "marker"]);
// What would make a script or an address of a value.
const REFUSED = /^(on|style$|srcdoc$|src$|formaction$|xlink:)/i;

/** An element with these attributes (null, undefined and false are left out) and these children. */
export function element(name, attributes = {}, ...children) {
  const made = DRAWN.has(name) ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (REFUSED.test(attribute)) throw new Error(`no panel sets ${attribute}`);
    if (attribute === "href" && !isSafe(String(value))) continue;
    made.setAttribute(attribute, value === true ? "" : String(value));
  }
  put(made, children);
  return made;
}

/** The children are at the end of the element; whatever is no node is text. */
export function put(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/** Whether following the address does no more than load a page: http, https, or a place on this site. */
export function isSafe(address) {
  try {
    return ["http:", "https:"].includes(new URL(address, location.origin).protocol);
  } catch {
    return false;
  }
}

// The policies of a runtime, as it tells them now. It is asked once; whoever wants to know again asks again.

import { get } from "./get.js";
import { element, put } from "./panels/element.js";
import { table } from "./panels/table.js";

const COLUMNS = ["Policy", "Mode", "Description", "Version", "Registered", "Rules"];

const page = document.querySelector("#policies");
const place = page.querySelector("[data-part=policies]");
show();

async function show() {
  try {
    const found = await get(`/runtime/policies?kind=${encodeURIComponent(page.dataset.kind)}`);
    draw(found.length ? table("Policies of the runtime", COLUMNS, found.map(row)) : said("The runtime knows no policy."));
  } catch (error) {
    draw(said(inWords(error)), again());
  }
}

function draw(...parts) {
  place.replaceChildren();
  put(place, parts);
}

// 503, 504: it is away, slow, or calls to it are suspended; 404: none is set up; 501: it has no policies.
function inWords({ status, message }) {
  if (status === 503 || status === 504) return `The runtime does not answer, so its policies cannot be shown: ${message}`;
  if (status === 501) return "This runtime has no policies.";
  return `The policies could not be read: ${message}`;
}

function row({ policyId, mode, description, schemaVersion, registeredAtUnixMs, rules }) {
  const since = registeredAtUnixMs ? new Date(registeredAtUnixMs).toISOString() : "";
  const text = element("pre", {}, JSON.stringify(rules, null, 2));
  const shown = element("details", {}, element("summary", {}, "Rules"), text);
  return { of: policyId, cells: [policyId, mode, description ?? "", String(schemaVersion ?? ""), since, shown] };
}

function said(text) {
  return element("p", {}, text);
}

function again() {
  const button = element("button", { type: "button" }, "Ask again");
  button.addEventListener("click", () => {
    draw(said("Asking the runtime …"));
    show();
  });
  return button;
}

// The line that says how far what is on the page can be trusted. See live.js for the states.

import { listLink, loginLink } from "./ways.js";

const WORDS = {
  connecting: () => "connecting …",
  live: () => "live",
  behind: ({ by }) => `behind by ${by}`,
  waiting: ({ seconds }) => `disconnected, trying again in ${seconds} s`,
  over: () => "over",
  refused: ({ reason }) => `disconnected: ${reason}`,
};

const WAYS = { login: loginLink, list: listLink };

export function showConnection(element, state) {
  if (element.dataset.state !== state.name) element.dataset.state = state.name;
  const words = element.querySelector("[data-words]");
  words.textContent = WORDS[state.name](state);
  if (WAYS[state.way]) words.append(" ", WAYS[state.way]());
}

// The line that says how far what is on the page can be trusted. See live.js for the states.

const WORDS = {
  connecting: () => "connecting …",
  live: () => "live",
  behind: ({ by }) => `behind by ${by}`,
  waiting: ({ seconds }) => `disconnected, trying again in ${seconds} s`,
  over: () => "over",
  refused: ({ reason }) => `disconnected: ${reason}`,
};

export function showConnection(element, state) {
  if (element.dataset.state !== state.name) element.dataset.state = state.name;
  element.querySelector("[data-words]").textContent = WORDS[state.name](state);
}

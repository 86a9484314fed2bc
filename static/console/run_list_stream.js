// Follows /ws/runs: the changes of a list of runs, with the session of the page, coming back by itself.

import { loginLink } from "./ways.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;
// Codes after which coming back cannot help: the query, the login or the right is wrong.
const FINAL = { 4400: "the filter is refused", 4403: "not permitted", 4404: "not found" };
const SIGNED_OUT = 4401;

export function followRuns({ query = "", onFrame, onState }) {
  let pause = FIRST_PAUSE;

  function connect() {
    onState("connecting", "connecting");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/runs${query ? `?${query}` : ""}`);
    socket.onmessage = (message) => {
      const frame = JSON.parse(message.data);
      if (frame.type !== "error") {
        pause = FIRST_PAUSE;
        onState("live", "live");
      }
      onFrame(frame);
    };
    socket.onclose = (closed) => {
      if (closed.code === SIGNED_OUT) {
        onState("signed-out", "not live: you are signed out");
      } else if (FINAL[closed.code]) {
        onState("over", `not live: ${FINAL[closed.code]}`);
      } else {
        comeBack(closed.code === 1012 ? 0 : pause);
      }
    };
  }

  function comeBack(milliseconds) {
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    count(Math.ceil(milliseconds / 1000));
  }

  function count(seconds) {
    if (seconds <= 0) {
      connect();
      return;
    }
    onState("disconnected", `disconnected, trying again in ${seconds} s`);
    setTimeout(() => count(seconds - 1), 1000);
  }

  connect();
}

// The line that says how current the page is.
export function showState(line) {
  let told = null;
  return (state, words) => {
    if (told === words) return;
    told = words;
    line.dataset.state = state;
    line.textContent = words;
    if (state === "signed-out") line.append(" ", loginLink());
  };
}

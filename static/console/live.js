// Follows one run over a WebSocket and comes back by itself, after the last event it was sent: nothing is missed or repeated.
//
//   const stop = follow(runId, {afterSeq, onFrame, onState});
//
// onFrame({type, id, data})  every frame: snapshot, canonical_event, heartbeat, end, error
// onState({name, ...})       how the connection stands:
//   connecting                      for the first time, or after a pause
//   live {seq}                      sent everything there is
//   behind {seq, by}                so many events are still to come
//   waiting {seconds}               disconnected; tried again in so many seconds, told once a second
//   over                            the run has ended and everything was sent
//   refused {reason, way}           not tried again: signed out (way: login), no such run (way: list), no permission

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const HEARTBEAT_MS = 5_000;
const SILENT_MS = 3 * HEARTBEAT_MS; // by then a connection that stands would have said something
const ENDED = 1000;
const REFUSALS = {
  4400: "the address is wrong",
  4401: "you are signed out",
  4403: "you may not watch this run",
  4404: "there is no such run any more",
};
const WAYS = { 4401: "login", 4404: "list" };
const CURSOR_AHEAD = 4409;

export function follow(runId, { afterSeq = 0, onFrame = () => {}, onState = () => {} }) {
  const run = new Following(runId, afterSeq, onFrame, onState);
  run.connect();
  return () => run.stop();
}

class Following {
  constructor(runId, afterSeq, onFrame, onState) {
    Object.assign(this, { runId, seq: afterSeq, known: afterSeq, onFrame, onState });
    this.failures = 0;
  }

  connect() {
    if (this.stopped) return;
    this.tell({ name: "connecting" });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const query = `afterSeq=${this.seq}&heartbeatMs=${HEARTBEAT_MS}`;
    const socket = new WebSocket(`${scheme}://${location.host}/ws/runs/${this.runId}?${query}`);
    this.socket = socket;
    this.listen();
    socket.onmessage = (message) => {
      if (socket !== this.socket) return;
      this.listen();
      this.take(JSON.parse(message.data));
    };
    socket.onclose = (closed) => {
      if (socket === this.socket) this.closed(closed.code, closed.reason);
    };
  }

  stop() {
    this.stopped = true;
    this.clear();
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  take(frame) {
    this.failures = 0;
    if (frame.type === "canonical_event") this.seq = frame.id;
    else if (frame.type === "snapshot") this.known = Math.max(this.known, frame.data.timeline?.latestSeq ?? 0);
    else if (frame.type === "heartbeat") this.known = Math.max(this.known, frame.data.lastSeq);
    else if (frame.type === "end") this.known = Math.max(this.known, frame.data.seq);
    this.onFrame(frame);
    const by = this.known - this.seq;
    this.tell(by > 0 ? { name: "behind", seq: this.seq, by } : { name: "live", seq: this.seq });
  }

  // A connection that is cut without a word stays open for minutes: silence counts as the end of it.
  listen() {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = setTimeout(() => {
      if (socket !== this.socket) return;
      this.socket = null;
      socket.close();
      this.retry();
    }, SILENT_MS);
  }

  closed(code, reason) {
    clearTimeout(this.silence);
    this.socket = null;
    if (this.stopped) return;
    if (code === ENDED) this.tell({ name: "over" });
    else if (REFUSALS[code]) this.tell({ name: "refused", reason: REFUSALS[code], way: WAYS[code] });
    else if (code === CURSOR_AHEAD) this.tell({ name: "refused", reason: `${reason}: load the page again` });
    else this.retry();
  }

  retry() {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures);
    this.failures += 1;
    // Spread, so that all who watched a server that went away do not come back in one moment.
    const due = Date.now() + longest * (0.5 + Math.random() / 2);
    const wait = () => {
      const left = due - Date.now();
      if (left <= 0) return this.connect();
      this.tell({ name: "waiting", seconds: Math.ceil(left / 1000) });
      this.later = setTimeout(wait, Math.min(left, 1000));
    };
    wait();
  }

  tell(state) {
    if (!this.stopped) this.onState(state);
  }

  clear() {
    clearTimeout(this.silence);
    clearTimeout(this.later);
  }
}

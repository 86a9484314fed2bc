// Changes something by a route of the API, with the session of whoever has the page open.

export class NotDone extends Error {
  // `faults` are {path, message}; `mayHaveHappened` where nobody knows: the answer was lost, or came too late.
  constructor(message, { code = "", faults = [], mayHaveHappened = false } = {}) {
    super(message);
    Object.assign(this, { code, faults, mayHaveHappened });
  }
}

// What the route answered: JSON, a file as a blob, or null. Under the same `key` it is done once, however often asked.
export async function change({ method = "POST", path, body, isFile = false }, { token, key }) {
  const headers = { Accept: "application/json", "X-CSRFToken": token };
  if (method !== "GET") Object.assign(headers, { "Content-Type": "application/json", "Idempotency-Key": key });
  const given = method === "POST" ? JSON.stringify(body ?? {}) : undefined;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: given, credentials: "same-origin", redirect: "manual" });
    if (answer.ok) return await whole(answer, isFile);
  } catch {
    throw new NotDone("no answer came: the connection was lost", { mayHaveHappened: true });
  }
  throw await refusal(answer);
}

async function whole(answer, isFile) {
  if (isFile) return answer.blob();
  return answer.status === 204 ? null : answer.json();
}

async function refusal(answer) {
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    return new NotDone("you are signed out: load the page again to sign in");
  }
  const fault = await answer.json().catch(() => ({}));
  const message = fault.message ?? `the server answered ${answer.status}`;
  const mayHaveHappened = answer.status >= 500 && ![501, 502, 503].includes(answer.status);
  return new NotDone(message, { code: fault.errorCode ?? "", faults: fault.details?.errors ?? [], mayHaveHappened });
}

// A name under which a request is told apart from all others. (`crypto.randomUUID` is not there without TLS.)
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What can be done to a run, by name. The server says which of them the run's state and the reader's rights allow.
//
//   label, title, does, verb    the button; and of the dialog the heading, what will happen, and the button that does it
//   fields                      what is asked for, see fields.js; `typed(run)` is a text that must be typed to go on
//   request(values, run, of)    the call: {method = POST, path, body, isFile, name}; see change.js
//   said(answer)                what the answer means, in words; `leadsTo` is where there is to go after it

import { keeping } from "./keep.js";
import { speech } from "./speak.js";
import { steering } from "./steer.js";

export const ACTS = { ...speech, ...steering, ...keeping };

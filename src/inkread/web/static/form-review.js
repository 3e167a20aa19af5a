// The review of a table's fields: the least sure first, worked by keyboard.

import * as api from "./api.js";
import { element, percent } from "./panel.js";
import { PictureFrame } from "./picture-frame.js";

const HINTS = {
  date: "The digits as they are written, or as in the table: 2025-10-03.",
  amount: "As in the table, with a point before the decimals: 167.13.",
};

const byId = (id) => document.getElementById(id);
const value = byId("value");
const crop = new PictureFrame(byId("crop"));

let items = [];
let index = 0;
let objectedTo = null; // the value that the last objection was to
const corrected = []; // the fields that were corrected: the last one first to be undone
let presses = 0; // of keys and of the pointer, so far

async function load() {
  const { form, fields } = await api.doubtfulFields();
  items = fields;
  byId("review-title").textContent = `Review of ${form}`;
  show();
}

const waits = ({ status }) => status === "doubtful" || status === "missing";

function showQueue() {
  const left = items.filter(waits).length;
  byId("left").textContent = left ? `${left} left` : "";
  byId("queue").replaceChildren(...items.map(entry));
  byId("queue").children[index]?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
}

function show() {
  const item = items[index];
  objectedTo = null;
  showQueue();
  byId("item").hidden = !item;
  byId("empty").hidden = Boolean(item);
  byId("empty").textContent = items.length ? "That was the last one." : "Nothing waits for review.";
  if (!item) return;
  byId("label").textContent = byId("value-label").textContent = item.label;
  const what = waits(item) ? `${item.status}${item.note ? `: ${item.note}` : ""}` : "corrected";
  byId("details").textContent = `${percent(item.confidence)} sure; ${what}; ${item.scan}, page ${item.page}`;
  const isTick = item.kind === "tick";
  byId("said").hidden = isTick;
  byId("tick").hidden = !isTick;
  byId("hint").hidden = !(item.kind in HINTS);
  byId("hint").textContent = HINTS[item.kind] ?? "";
  value.inputMode = item.kind === "amount" ? "decimal" : "numeric";
  value.placeholder = item.format ?? "";
  byId("undo").disabled = corrected.length === 0;
  value.value = item.value;
  if (isTick) (item.value === "true" ? byId("ticked") : byId("not-ticked")).focus();
  else {
    value.focus();
    value.select();
  }
  showCrop(item);
}

function entry(item, at) {
  const text = element("span", { className: "said", textContent: waits(item) ? `${item.value || "–"}?` : item.value || "–" });
  const button = element("button", { type: "button" }, text, item.label);
  button.setAttribute("aria-current", String(at === index));
  button.addEventListener("click", () => go(at));
  return element("li", {}, button);
}

async function showCrop(item) {
  const note = byId("no-crop");
  note.hidden = true;
  byId("crop").alt = `${item.label}, as it was written`;
  try {
    await crop.show((signal) => api.pictureOfField(item, signal));
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    note.textContent = error.message;
    note.hidden = false;
  }
}

function go(to) {
  index = Math.max(0, Math.min(items.length, to));
  show();
}

let turn = Promise.resolve();

// Goes on at once, and stores one value after the other: hands are faster than the service. What is
// refused comes back, unless hands are at another field by then: what they type is meant for that one.
// What breaks a constraint of its field is stored when it is said twice.
function correct(said) {
  const at = index, item = items[at], before = presses;
  if (!item) return;
  const anyway = objectedTo === said;
  say("");
  go(at + 1);
  inTurn(async () => {
    try {
      items[at] = await api.correctField(item, said, anyway);
      corrected.push(at);
      byId("undo").disabled = false;
      byId("announcement").textContent = `${item.label}: ${said || "empty"}`;
      showQueue();
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      if (presses !== before) return say(`${item.label} is not saved, and waits: ${error.message}`);
      go(at);
      value.value = said;
      const isObjection = error.problem.type?.endsWith(":objection");
      objectedTo = isObjection ? said : null;
      say(isObjection ? `${error.message}. Enter saves it all the same.` : error.message);
    }
  });
}

function undo() {
  inTurn(async () => {
    const at = corrected.at(-1);
    if (at === undefined) return;
    try {
      items[at] = await api.takeBackField(items[at]);
      corrected.pop();
      byId("announcement").textContent = `${items[at].label}: as it was read`;
      say("");
      go(at);
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      say(error.message);
    }
  });
}

function inTurn(work) {
  turn = turn.then(work);
}

function save() {
  const said = value.value.trim();
  if (said || items[index]?.status !== "doubtful") correct(said);
  else say("Type what is written, or press Empty.");
}

function say(text) {
  byId("message").hidden = !text;
  byId("message").textContent = text;
}

const actions = {
  "empty-field": () => correct(""),
  ticked: () => correct("true"),
  "not-ticked": () => correct("false"),
  back: () => go(index - 1),
  skip: () => go(index + 1),
  undo,
};
for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
byId("said").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
value.addEventListener("input", () => (objectedTo = null));

const keys = { ArrowUp: "back", ArrowDown: "skip", e: "empty-field", y: "ticked", n: "not-ticked" };

document.addEventListener("pointerdown", () => (presses += 1), { capture: true });
document.addEventListener("keydown", (event) => {
  presses += 1;
  if (event.repeat && !event.key.startsWith("Arrow") && event.target !== value) return event.preventDefault();
  if (event.repeat && event.key === "Enter") return event.preventDefault(); // one press, one answer
  const isTyped = !value.closest("[hidden]") && value.value !== (items[index]?.value ?? "");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !isTyped) {
    event.preventDefault();
    return undo();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  if (event.key.length === 1 && localStorage.getItem("inkread-shortcuts") === "off") return;
  const id = keys[event.key];
  const isForTicks = id === "ticked" || id === "not-ticked";
  if (id !== "back" && id !== "skip" && isForTicks !== (items[index]?.kind === "tick")) return;
  event.preventDefault();
  actions[id]();
});

try {
  await load();
} catch (error) {
  if (!(error instanceof api.ApiError)) throw error;
  say(error.message);
}

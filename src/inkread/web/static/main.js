// The page for reading: puts the pad, the API and the panel together.

import * as api from "./api.js";
import { showExplanation } from "./evidence.js";
import { Pad } from "./pad.js";
import { isDoubtful, runnerUpOf, showBars, showBoxes, showNumbers, verdictOf } from "./panel.js";

const NOT_A_DIGIT = "not a digit";
const LIVE_MS = 150; // between readings while a stroke is being drawn
const REST_MS = 30; // a pen that rests so long may be about to be lifted: what it wrote is read

const byId = (id) => document.getElementById(id);
const numbers = byId("numbers"), detail = byId("digit"), label = byId("label");

let source = null; // the picture that was read last: a Blob
let page = null; // what was read on it
let known = {}; // with these options
let selected = null;
let pending = null; // the reading that is under way
let lastSent = 0;
let readChanges = null; // how far the pad's ink was changed when it was last sent
let rest = null;
let canCorrect = false;

const pad = new Pad(byId("stage"), byId("pad"), (isFinished) => {
  setCorrection(""); // it was of another picture
  showState();
  clearTimeout(rest);
  if (isFinished) readChangedStrokes();
  else if (!pending && performance.now() - lastSent > LIVE_MS) readStrokes();
  else rest = setTimeout(readChangedStrokes, REST_MS);
});
pad.onResize = () => showAll();

const digits = () => (page?.numbers ?? []).flatMap((number) => number.digits);

// Reading -----------------------------------------------------------------------------------------

function readStrokes() {
  if (pad.isEmpty) return;
  const { blob, place } = pad.toPicture();
  begin((mine) => readPicture(mine, blob, () => pad.place(place)));
  readChanges = pad.changes;
}

// Lifting a pen writes nothing: what is being read, or was, is not read again.
function readChangedStrokes() {
  if (readChanges !== pad.changes) readStrokes();
}

// Puts an end to the reading that is under way, and begins another.
function begin(work) {
  pending?.abort();
  clearTimeout(rest);
  const mine = new AbortController();
  pending = mine;
  readChanges = null;
  numbers.setAttribute("aria-busy", "true");
  lastSent = performance.now();
  mine.done = work(mine);
  return mine.done;
}

async function readPicture(mine, blob, onRead = () => {}) {
  try {
    const options = Object.fromEntries(new FormData(byId("constraints")));
    const read = await api.read(blob, options, mine.signal);
    if (mine !== pending) return;
    onRead();
    const at = label.value ? digits().indexOf(selected) : -1; // a correction that is typed stays at its digit
    [source, page, known] = [blob, read, options];
    selected = digits()[at] ?? digits().reduce((least, digit) => (!least || digit.confidence < least.confidence ? digit : least), null);
    say("");
    announce();
  } catch (error) {
    if (error.name === "AbortError" || mine !== pending) return;
    if (!(error instanceof api.ApiError)) throw error;
    [source, page, selected] = [blob, null, null];
    readChanges = null; // worth another try
    say(error.message);
  } finally {
    if (mine === pending) endReading();
  }
  closeExplanation();
  showAll();
}

function endReading() {
  pending = null;
  numbers.setAttribute("aria-busy", "false");
}

function open(file) {
  setCorrection("");
  return begin(async (mine) => {
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (bitmap) pad.show(bitmap, bitmap.width, bitmap.height);
    else pad.clear();
    showState();
    await readPicture(mine, file);
    if (!bitmap && page) {
      pad.show(null, page.width, page.height);
      showAll();
    }
  });
}

function clear() {
  pending?.abort();
  endReading();
  clearTimeout(rest);
  pad.clear();
  [source, page, selected] = [null, null, null];
  setCorrection("");
  say("");
  closeExplanation();
  showState();
  showAll();
}

function undo() {
  pad.undo();
  setCorrection("");
  if (pad.isEmpty) clear();
  else readStrokes();
  showState();
}

// Showing -----------------------------------------------------------------------------------------

function showState() {
  byId("hint").hidden = !pad.isEmpty;
  byId("undo").disabled = !pad.canUndo;
  byId("clear").disabled = pad.isEmpty && !page;
}

function showAll() {
  showNumbers(numbers, (page?.numbers ?? []).filter((number) => number.digits.length || number.unconstrained), selected, select);
  showBoxes(byId("boxes"), digits(), selected, (box) => pad.onStage(box));
  const isBlank = page && page.numbers.length === 0;
  byId("empty").hidden = Boolean(page?.numbers.length) || !byId("message").hidden;
  byId("empty").textContent = isBlank ? "No digit found." : "Nothing yet. What is written is read while you write.";
  detail.hidden = !selected;
  if (!selected) return;
  detail.classList.toggle("is-doubtful", isDoubtful(selected));
  byId("verdict").textContent = verdictOf(selected);
  byId("runner-up").textContent = runnerUpOf(selected);
  showBars(byId("bars"), selected);
}

function announce() {
  const found = page.numbers.filter((number) => number.digits.length).map((number) => [...number.text].join(" "));
  byId("announcement").textContent = found.length ? `Read ${found.join(", ")}` : "No digit found";
}

function say(text) {
  byId("message").hidden = !text;
  byId("message").textContent = text;
}

function select(digit) {
  selected = digit;
  closeExplanation();
  setCorrection("");
  showAll();
}

function step(by) {
  const all = digits();
  const next = all[all.indexOf(selected) + by];
  if (next) select(next);
}

// Why, and corrections ----------------------------------------------------------------------------

function closeExplanation() {
  byId("explanation").hidden = true;
  byId("why").setAttribute("aria-expanded", "false");
}

async function why() {
  while (pending) await pending.done; // what is explained is the last reading
  if (!selected) return;
  if (!byId("explanation").hidden) return closeExplanation();
  const digit = selected;
  await attempt(async () => {
    const found = await api.explain(source, digit.box, known);
    if (digit !== selected) return;
    showExplanation(byId("explanation"), found);
    byId("explanation").hidden = false;
    byId("why").setAttribute("aria-expanded", "true");
  });
}

function setCorrection(text) {
  label.value = text;
  label.classList.toggle("is-pending", text !== "");
}

async function correct(isForLater) {
  while (pending) await pending.done; // what is corrected is the last reading
  const said = label.value.trim().toLowerCase();
  if (!selected || !(isForLater || /^[0-9x]$/.test(said))) return;
  const digit = selected;
  await attempt(async () => {
    await api.correct(source, digit.box, isForLater ? "" : said === "x" ? NOT_A_DIGIT : said, known);
    if (!isForLater) digit.corrected = said === "x" ? "×" : said;
    byId("announcement").textContent = isForLater ? "Stored for review" : `Corrected to ${digit.corrected}`;
    setCorrection("");
    showForget();
    showAll();
    if (isForLater) byId("runner-up").textContent = "stored for review";
  });
}

async function forget() {
  await attempt(async () => {
    const deleted = await api.forget();
    showForget();
    say(`${deleted} of your corrections deleted.`);
  });
}

function showForget() {
  byId("forget").hidden = !(canCorrect && api.hasCorrected());
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    say(error.message);
  }
}

// What people do ----------------------------------------------------------------------------------

byId("undo").addEventListener("click", undo);
// Options of other kinds than the chosen one are neither shown nor sent.
function showKind() {
  for (const option of byId("constraints").querySelectorAll("[data-kinds]")) {
    option.hidden = !option.dataset.kinds.split(" ").includes(byId("kind").value);
    option.querySelector("input, select").disabled = option.hidden;
  }
}
showKind();
byId("clear").addEventListener("click", clear);
byId("why").addEventListener("click", why);
byId("later").addEventListener("click", () => correct(true));
byId("forget").addEventListener("click", forget);
byId("correction").addEventListener("submit", (event) => {
  event.preventDefault();
  correct(false);
});
label.addEventListener("input", () => setCorrection(label.value));
byId("constraints").addEventListener("submit", (event) => event.preventDefault());
byId("constraints").addEventListener("change", () => {
  showKind();
  if (pad.isPicture) begin((mine) => readPicture(mine, source));
  else readStrokes();
});
for (const input of [byId("file"), byId("camera")]) {
  input.addEventListener("change", () => {
    if (input.files[0]) open(input.files[0]);
    input.value = ""; // the same file may be chosen again
  });
}
byId("stage").addEventListener("click", (event) => {
  if (!pad.isPicture) return;
  const bounds = byId("stage").getBoundingClientRect();
  const x = event.clientX - bounds.left, y = event.clientY - bounds.top;
  const hit = digits().find((digit) => {
    const box = pad.onStage(digit.box);
    return x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height;
  });
  if (hit) select(hit);
});

document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
  if (file) open(file);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  byId("stage").classList.add("is-target");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) byId("stage").classList.remove("is-target");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  byId("stage").classList.remove("is-target");
  if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
});

const shortcuts = byId("shortcuts");
shortcuts.checked = localStorage.getItem("inkread-shortcuts") !== "off";
shortcuts.addEventListener("change", () => localStorage.setItem("inkread-shortcuts", shortcuts.checked ? "on" : "off"));

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") {
    event.preventDefault();
    if (pad.canUndo) undo();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !shortcuts.checked) return;
  const hasCorrection = label.value !== "";
  if (/^[0-9x]$/.test(event.key) && selected && canCorrect) setCorrection(event.key);
  else if (event.key === "Enter" && hasCorrection) correct(false);
  else if (event.key === "Escape" && hasCorrection) setCorrection("");
  else if (event.key === "Escape") clear();
  else if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
  else return;
  event.preventDefault();
});

await attempt(async () => {
  const service = await api.about();
  canCorrect = service.corrections !== null;
  byId("forms-link").hidden = !service.forms;
  byId("correction").hidden = byId("correction-help").hidden = byId("review-link").hidden = !canCorrect;
  if (canCorrect) {
    const kept = service.corrections === "picture" ? "the whole picture" : "the small image of the digit";
    byId("privacy").textContent = `Pictures are read by the computer that runs this service. Only with a correction, ${kept} is stored.`;
  }
  showForget();
});

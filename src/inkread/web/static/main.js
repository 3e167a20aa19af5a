// The page for reading: puts the pad, the files, the API and the panel together.

import * as api from "./api.js";
import { Constraints } from "./constraints.js";
import { Corrections } from "./corrections.js";
import { copy, offerExports } from "./exports.js";
import { History, offerUndo } from "./history.js";
import { receiveFiles } from "./intake.js";
import { announcementOf, isShown, joinTables, leastSureOn, showNumbers } from "./numbers.js";
import { Pad } from "./pad.js";
import { isDoubtful, runnerUpOf, showBars, showBoxes, textOf, verdictOf } from "./panel.js";
import { forgetReadings, load, nextOf, sheetsOf, showSheets } from "./sheets.js";
import { findInk, keepInk } from "./strokes.js";

const LIVE_MS = 150; // between readings while a stroke is being drawn
const REST_MS = 30; // a pen that rests so long may be about to be lifted: what it wrote is read
const SLOW_MS = 300; // a reading that takes longer is said to be under way
const NO_PICTURE = { bitmap: null, width: 8, height: 5 }; // as yet
const NOTHING = "Nothing yet. What is written is read while you write.";

const byId = (id) => document.getElementById(id);
const numbers = byId("numbers"), detail = byId("digit");

let source = null; // the picture that was read last: a Blob
let page = null; // what was read on it
let known = {}; // with these options
let selected = null;
let pending = null; // the reading that is under way
let lastSent = 0;
let readChanges = null; // how far the pad's ink was changed when it was last sent
let rest = null;
let slow = null;
let limits = null; // of the service, once they are known

const constraints = new Constraints(byId("constraints"), byId("in-force"));

// What can be undone: the ink and what was read in it, or the sheets in its place and which of them is shown.
const NO_INK = { strokes: [], read: null, sheets: [], at: 0 };
const history = new History(NO_INK);
const pad = new Pad(byId("stage"), byId("pad"), {
  onStroke: () => history.push({ ...history.state }),
  onResize: () => showAll(),
  onChange(isFinished) {
    history.replace({ ...history.state, strokes: pad.strokes, read: null });
    corrections.set(""); // it was of another picture
    showState();
    clearTimeout(rest);
    if (isFinished) readChangedStrokes();
    else if (!pending && performance.now() - lastSent > LIVE_MS) readStrokes();
    else rest = setTimeout(readChangedStrokes, REST_MS);
  },
});
const corrections = new Corrections({
  reading: () => ({ source, known, page, digit: selected, pending: pending?.done }),
  onChange: () => showAll(),
  say,
});

const digits = () => (page?.numbers ?? []).flatMap((number) => number.digits);
const isEmpty = ({ strokes, sheets }) => !strokes.length && !sheets.length;
const sheetShown = () => history.state.sheets[history.state.at];

// Reading -----------------------------------------------------------------------------------------

// Puts an end to the reading that is under way.
function stop() {
  pending?.abort();
  pending = null;
  for (const timer of [rest, slow]) clearTimeout(timer);
  numbers.setAttribute("aria-busy", "false");
  byId("busy").hidden = true;
}

// Puts an end to the reading that is under way, and begins another.
function begin(work) {
  stop();
  const mine = new AbortController();
  pending = mine;
  readChanges = null;
  numbers.setAttribute("aria-busy", "true");
  slow = setTimeout(() => { byId("busy").hidden = false; }, SLOW_MS);
  lastSent = performance.now();
  mine.done = work(mine).catch((error) => {
    if (error.name !== "AbortError" && mine === pending) throw error;
  }).finally(() => {
    if (mine === pending) stop();
  });
  return mine.done;
}

function readStrokes() {
  if (!pad.strokes.length) return;
  const { blob, place } = pad.toPicture();
  begin(async (mine) => {
    const read = { blob, place, ...(await ask(mine, blob)) };
    if (mine !== pending) return;
    if (read.problem) readChanges = null; // worth another try
    else history.replace({ ...history.state, read });
    take(read);
  });
  readChanges = pad.changes;
}

// Lifting a pen writes nothing: what is being read, or was, is not read again.
function readChangedStrokes() {
  if (readChanges !== pad.changes) readStrokes();
}

async function readSheets(mine) {
  const { sheets, at } = history.state;
  const sheet = nextOf(sheets, at);
  if (!sheet) return;
  try {
    const others = await api.patiently(() => load(sheet, limits, mine.signal), mine.signal, sayWaiting);
    if (mine !== pending) return;
    sheets.splice(sheets.indexOf(sheet) + 1, 0, ...others);
    if (sheet === sheetShown()) await showPicture(sheet);
    Object.assign(sheet, await ask(mine, sheet.blob));
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    sheet.problem = error.message.includes(sheet.name) ? error.message : `“${sheet.name}”: ${error.message}`;
  }
  if (mine !== pending) return;
  if (!sheet.blob && sheets.length === 1) return refuse(sheet);
  if (sheet === sheetShown()) take(sheet);
  showList();
  await readSheets(mine);
}

// Reads a picture with the constraints that are in force.
async function ask(mine, blob) {
  const known = constraints.values;
  try {
    const read = await api.patiently(() => api.read(blob, known, mine.signal), mine.signal, sayWaiting);
    return { page: joinTables(read), known, problem: "" };
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    return { page: null, known, problem: error.message };
  }
}

// Shows what was read, on a sheet or in the ink.
function take(read) {
  const isSame = read.blob === source || !sheetShown();
  const at = corrections.isTyped && isSame ? digits().indexOf(selected) : -1; // a correction that is typed stays at its digit
  const onStage = (box) => pad.onStage(box);
  const marked = isSame ? corrections.marked(page, onStage) : null;
  if (read.place) pad.place(read.place);
  if (marked && read.page) corrections.carry(marked, read.page, onStage);
  [source, page, known] = [read.blob, read.page, read.known ?? {}];
  selected = digits()[at] ?? (page && leastSureOn(page));
  say(read.problem);
  if (page) byId("announcement").textContent = announcementOf(page);
  closeExplanation();
  showAll();
}

function forgetReading() {
  [source, page, selected] = [null, null, null];
  corrections.set("");
  say("");
  closeExplanation();
}

// A single file that is no picture: what was there before stays.
async function refuse({ problem }) {
  history.forget();
  await restore();
  say(problem);
  showAll();
}

// What is on the stage ----------------------------------------------------------------------------

// Goes on to a state: of the ink, or of sheets.
function go(state) {
  history.push(state);
  restore();
}

// Shows the state that is in force, and reads what is not read yet.
async function restore() {
  stop();
  forgetReading();
  const { strokes, sheets, read } = history.state;
  pad.strokes = strokes;
  if (!sheets.length) pad.picture = null;
  showState();
  showAll();
  showList();
  if (sheets.length) {
    await choose(history.state.at);
    return;
  }
  if (!read || JSON.stringify(read.known) !== JSON.stringify(constraints.values)) {
    readStrokes();
    return;
  }
  readChanges = pad.changes;
  take(read);
}

function open(files) {
  if (files.length) go({ ...NO_INK, sheets: sheetsOf(files) });
}

// Shows one of the sheets.
async function choose(at) {
  history.replace({ ...history.state, at });
  const sheet = sheetShown();
  forgetReading();
  if (sheet.blob) await showPicture(sheet);
  else pad.picture = NO_PICTURE;
  if (sheet !== sheetShown()) return;
  if (sheet.page || sheet.problem) take(sheet);
  else showAll();
  showList();
  if (!pending) await begin(readSheets);
}

async function showPicture(sheet) {
  const bitmap = await createImageBitmap(sheet.blob);
  if (sheet === sheetShown()) pad.picture = { bitmap, width: bitmap.width, height: bitmap.height };
}

function clear() {
  setEraser(false);
  go(NO_INK);
}

function setEraser(isOn) {
  pad.erases = isOn;
  byId("eraser").setAttribute("aria-pressed", String(isOn));
}

function undo() {
  if (!history.canUndo) return;
  history.undo();
  restore();
}

function redo() {
  if (!history.canRedo) return;
  history.redo();
  restore();
}

// Showing -----------------------------------------------------------------------------------------

function showState() {
  byId("hint").hidden = !isEmpty(history.state);
  byId("undo").disabled = !history.canUndo;
  byId("redo").disabled = !history.canRedo;
  byId("clear").disabled = isEmpty(history.state);
  byId("eraser").disabled = byId("pen").disabled = history.state.sheets.length > 0;
}

const showList = () => showSheets(byId("sheets"), history.state.sheets, history.state.at, choose);

function showAll() {
  showNumbers(numbers, page, selected, { onSelect: select, onCopy: copyText });
  showBoxes(byId("boxes"), (page?.numbers ?? []).filter((number) => number.digits.length || number.struck), selected, (box) => pad.onStage(box));
  const isBlank = page && !page.numbers.some(isShown);
  const notes = page?.notes ?? [];
  byId("notes").replaceChildren(...(page ? notes : []).map((note) => Object.assign(document.createElement("li"), { textContent: note })));
  const isUntouched = isEmpty(history.state);
  byId("empty").hidden = !(isBlank || isUntouched) || !byId("message").hidden;
  byId("empty").textContent = isUntouched ? NOTHING : notes.length ? "No number found. What was seen:" : "No number found.";
  byId("samples").hidden = !isUntouched;
  byId("glance").textContent = digits().map(textOf).join("");
  byId("copy-all").textContent = readings().reduce((count, each) => count + each.page.numbers.length, 0) > 1 ? "Copy all" : "Copy";
  byId("exports").hidden = !page || isBlank;
  byId("table-csv").hidden = !readings().some((each) => each.page.tables?.length);
  detail.hidden = !selected;
  if (!selected) return;
  detail.classList.toggle("is-doubtful", isDoubtful(selected));
  byId("verdict").textContent = verdictOf(selected);
  byId("runner-up").textContent = runnerUpOf(selected);
  showBars(byId("bars"), selected);
}

function say(text) {
  byId("message").hidden = !text;
  byId("message").textContent = text;
}

function sayWaiting(error) {
  say(`${error.message} Trying again…`);
  byId("empty").hidden = true;
}

function select(digit) {
  selected = digit;
  closeExplanation();
  corrections.set("");
  showAll();
}

function step(by) {
  const all = digits();
  const next = all[all.indexOf(selected) + by];
  if (next) select(next);
}

function closeExplanation() {
  byId("explanation").hidden = true;
  byId("why").setAttribute("aria-expanded", "false");
}

// Taking away -------------------------------------------------------------------------------------

function readings() {
  const { sheets } = history.state;
  if (sheets.length) return sheets.filter((sheet) => sheet.page);
  return page ? [{ name: "drawing", number: 1, page }] : [];
}

async function copyText(text) {
  await copy(text);
  byId("announcement").textContent = "Copied";
  byId("copied").hidden = false;
  setTimeout(() => { byId("copied").hidden = true; }, 2000);
}

offerExports(readings, () => ({ source, page }), copyText);

// What people do ----------------------------------------------------------------------------------

offerUndo(undo, redo);
byId("clear").addEventListener("click", clear);
byId("why").addEventListener("click", () => corrections.explain());
byId("eraser").addEventListener("click", () => setEraser(!pad.erases));
byId("pen").addEventListener("change", () => { pad.penWidth = Number(byId("pen").value); });
constraints.onChange = () => {
  const { sheets } = history.state;
  if (!sheets.length) return readStrokes();
  forgetReadings(sheets);
  showList();
  begin(readSheets);
};
byId("stage").addEventListener("click", (event) => {
  if (!history.state.sheets.length) return;
  const bounds = byId("stage").getBoundingClientRect();
  const x = event.clientX - bounds.left, y = event.clientY - bounds.top;
  const hit = digits().find((digit) => {
    const box = pad.onStage(digit.box);
    return x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height;
  });
  if (hit) select(hit);
});

receiveFiles(open);

const shortcuts = byId("shortcuts");
shortcuts.checked = localStorage.getItem("inkread-shortcuts") !== "off";
shortcuts.addEventListener("change", () => localStorage.setItem("inkread-shortcuts", shortcuts.checked ? "on" : "off"));

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || !shortcuts.checked) return;
  if (/^[0-9x]$/.test(event.key) && selected && corrections.isOn) corrections.set(event.key);
  else if (event.key === "Enter" && corrections.isTyped) corrections.correct(false);
  else if (event.key === "Escape" && corrections.isTyped) corrections.set("");
  else if (event.key === "Escape" && !isEmpty(history.state)) clear();
  else if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
  else return;
  event.preventDefault();
});

// The ink is found again by who comes back to the page.
addEventListener("pagehide", () => keepInk(history.state.strokes));
const kept = findInk();
if (kept.length) go({ ...NO_INK, strokes: kept });

try {
  const service = await api.patiently(api.about, null, sayWaiting);
  say("");
  limits = service.limits;
  byId("forms-link").hidden = !service.forms;
  corrections.start(service.corrections);
} catch (error) {
  if (!(error instanceof api.ApiError)) throw error;
  say(error.message);
}

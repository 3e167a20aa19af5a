// The page for forms: puts the sheet, the draft of the template and the API together.

import * as api from "./api.js";
import { Draft, fieldOf, meant, PAPERS } from "./draft.js";
import { setValue, showField } from "./field-form.js";
import { aligned, rowOf, shownValue } from "./form-reading.js";
import { FormTable } from "./form-table.js";
import { History, offerUndo } from "./history.js";
import { fetchFile, isPicture, isTemplate, receiveDrops } from "./intake.js";
import { element } from "./panel.js";
import { Sheet } from "./sheet.js";

const CHECK_MS = 250; // after the last change
const SIMILAR = 0.03; // proportions that differ less are the same

const byId = (id) => document.getElementById(id);
const fieldForm = byId("field"), formForm = byId("form"), yaml = byId("yaml");

let draft = new Draft();
const history = new History(draft.snapshot); // of drafts
const table = new FormTable();
let naming = []; // the fields whose names are typed in a row
let selected = -1;
let wrong = new Set(); // indices of the fields that the service objects to
let blank = null; // the picture of the blank form: { file, url, size }
let found = []; // the boxes that the service sees on it
let finding = null; // the promise of them
let scan = null; // the scan that is tried: { file, url }
let reading = null;
let view = "form";
let isValid = false;
let isSaved = true;

const sheet = new Sheet(byId("sheet"), byId("drawing"), {
  select,
  change(index, box, isDone) {
    draft.fields[index].box = box;
    if (isDone) changed();
    show();
  },
  create(box) {
    add(meant(box, found));
  },
  remove,
  name: nameField,
});

// Showing -----------------------------------------------------------------------------------------

function show() {
  if (view === "scan") sheet.showReading(scan.url, reading);
  else sheet.showForm(draft.page, { image: blank?.url, fields: draft.fields, selected, wrong, hasMarkers: draft.align === "markers" });
  byId("views").hidden = byId("results").hidden = !reading;
  for (const button of byId("views").children) button.setAttribute("aria-pressed", String(button.value === view));
  byId("empty").hidden = draft.fields.length > 0;
  byId("field-list").replaceChildren(...draft.fields.map((field, at) => {
    const button = element("button", { type: "button", textContent: field.name || "?" });
    button.setAttribute("aria-pressed", String(at === selected));
    button.classList.toggle("is-wrong", wrong.has(at));
    button.addEventListener("click", () => {
      select(at);
      byId("field-list").children[at].firstChild.focus();
    });
    return element("li", {}, button);
  }));
  showField(fieldForm, draft.fields[selected]);
  byId("save").disabled = !isValid;
  byId("propose").disabled = !blank;
  byId("undo").disabled = !history.canUndo;
  byId("redo").disabled = !history.canRedo;
  byId("sample").hidden = Boolean(blank) || draft.fields.length > 0;
}

function showForm() {
  formForm.elements.form.value = draft.form;
  const paper = draft.page.join("x");
  formForm.elements.paper.value = [...formForm.elements.paper.options].some((option) => option.value === paper) ? paper : "own";
  formForm.elements.align.value = draft.align;
  byId("beside").hidden = draft.align === "markers" || !draft.picture;
  byId("beside").textContent = `Keep ${draft.picture} beside it.`;
}

function select(index) {
  selected = index;
  if (index >= 0) view = "form";
  show();
}

function say(text) {
  byId("message").hidden = !text;
  byId("message").textContent = text;
}

const announce = (text) => (byId("announcement").textContent = text);

async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    say(error.message);
    return false;
  }
}

// The template ------------------------------------------------------------------------------------

let timer = null;

function changed() {
  if (draft.snapshot !== history.state) history.push(draft.snapshot);
  recheck();
}

function goBack(step) {
  step();
  draft = Draft.from(history.state);
  selected = Math.min(selected, draft.fields.length - 1);
  showForm();
  recheck();
  if (blank) attempt(findBoxes);
}

function recheck() {
  isSaved = isValid = false;
  clearTimeout(timer);
  timer = setTimeout(check, CHECK_MS);
  show();
}

async function check() {
  const mine = draft;
  const sent = JSON.stringify(draft.values);
  if (!draft.fields.length) return showFaults([]);
  try {
    const { yaml: text } = await api.checkTemplate(draft.values);
    if (mine !== draft || sent !== JSON.stringify(draft.values)) return;
    yaml.value = text;
    isValid = true;
    showFaults([]);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (mine !== draft || sent !== JSON.stringify(draft.values)) return;
    yaml.value = error.problem.yaml ?? yaml.value;
    showFaults(faultsOf(error));
  }
}

const faultsOf = ({ message, problem }) => (problem.errors?.length ? problem.errors : [{ where: [], message }]);

function showFaults(faults) {
  wrong = new Set(faults.filter(({ where }) => where[0] === "fields").map(({ where }) => where[1]));
  byId("faults").hidden = !faults.length;
  byId("faults").replaceChildren(...faults.map(({ message }) => element("li", { textContent: message.replace(/^template\.yaml, /, "") })));
  show();
}

async function apply(text) {
  try {
    const { template } = await api.checkTemplate(text);
    const picture = blank?.file.name ?? "";
    draft = Draft.of(template);
    if (blank && draft.align === "picture") draft.picture = picture;
    selected = -1;
    say("");
    showForm();
    changed();
    announce(`${draft.form}: ${draft.fields.length} fields`);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    yaml.value = text;
    byId("yaml-details").open = true;
    showFaults(faultsOf(error));
  }
}

function save() {
  const url = URL.createObjectURL(new Blob([yaml.value], { type: "application/yaml" }));
  element("a", { href: url, download: `${draft.form}.yaml` }).click();
  URL.revokeObjectURL(url);
  isSaved = true;
  announce(`Saved ${draft.form}.yaml`);
}

// Fields ------------------------------------------------------------------------------------------

function nameField(index) {
  select(index);
  fieldForm.elements.name.focus();
  fieldForm.elements.name.select();
}

// The boxes that were found are named in a row: Tab leads from name to name.
function nameNext(event) {
  const next = naming[naming.indexOf(selected) + (event.shiftKey ? -1 : 1)];
  if (event.key !== "Tab" || !naming.includes(selected) || !draft.fields[next]) return;
  event.preventDefault();
  edit(event);
  nameField(next);
}

function add(field) {
  selected = draft.add(field);
  view = "form";
  changed();
  sheet.focus();
  announce(`${draft.fields[selected].name} added: ${field.kind}`);
}

function remove(index) {
  const [removed] = draft.fields.splice(index, 1);
  selected = Math.min(index, draft.fields.length - 1);
  changed();
  sheet.focus();
  announce(`${removed.name} deleted`);
}

function edit({ target }) {
  const field = draft.fields[selected];
  if (!field || !target.name) return;
  setValue(field, target);
  changed();
}

// Pictures ----------------------------------------------------------------------------------------

// A picture as the browser shows it, made by the service where the browser can't.
async function shown(file) {
  let bitmap = await createImageBitmap(file).catch(() => null);
  const { blob, paper } = bitmap ? { blob: file, paper: null } : await api.showable(file);
  bitmap ??= await createImageBitmap(blob);
  return { file, url: URL.createObjectURL(blob), size: [bitmap.width, bitmap.height], paper };
}

async function openBlank(file) {
  const picture = await shown(file);
  if (blank) URL.revokeObjectURL(blank.url);
  blank = picture;
  view = "form";
  const aspect = blank.size[0] / blank.size[1];
  const isLike = ([width, height]) => Math.abs(aspect / (width / height) - 1) < SIMILAR;
  if (blank.paper) draft.setPage(blank.paper, false);
  else if (!isLike(draft.page)) {
    const papers = Object.values(PAPERS).flatMap(([width, height]) => [[width, height], [height, width]]);
    draft.page = papers.find(isLike) ?? [210, Math.round(2100 / aspect) / 10];
  }
  if (!draft.fields.length) {
    draft.form = file.name.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 60) || "form";
    draft.align = "picture";
  }
  draft.picture = file.name;
  say("");
  showForm();
  changed();
  await findBoxes();
}

function findBoxes() {
  found = [];
  const mine = api.propose(blank.file, draft.page.join("x")).then(({ fields }) => {
    if (finding === mine) found = fields; // else the paper or the picture is another by now
  });
  finding = mine;
  return mine;
}

async function takeFound() {
  // Who is fast waits for the boxes: the last ones, where the picture or the paper changed meanwhile.
  for (let awaited = null; awaited !== finding;) {
    awaited = finding;
    await awaited;
  }
  const overlaps = ([left, top, right, bottom]) => draft.fields.some(({ box }) => left < box[2] && box[0] < right && top < box[3] && box[1] < bottom);
  const fresh = found.filter(({ box }) => !overlaps(box));
  for (const each of fresh) draft.add(fieldOf(each));
  if (fresh.length) {
    changed();
    naming = draft.fields.map((_, at) => at).slice(-fresh.length);
    nameField(naming[0]);
  }
  announce(fresh.length ? `${fresh.length} boxes found` : "No further box found");
  say(fresh.length ? "" : "No further box with lines around it was found.");
}

// One scan is shown with what was read on it, several make a table.
async function openScans(files) {
  if (files.length === 1) {
    const picture = await shown(files[0]);
    if (scan) URL.revokeObjectURL(scan.url);
    scan = picture;
    await tryScan();
  } else if (files.length && (await isReady())) await table.read(files, yaml.value, draft.align === "picture" ? blank.file : null);
}

async function isReady() {
  if (!isValid) await check();
  let missing = "";
  if (!isValid) missing = draft.fields.length ? "The template must be right before it can be tried." : "Draw a field first.";
  else if (draft.align === "picture" && !blank) missing = `Open the blank form first: ${draft.picture || "its picture"}. The form is found by what is printed on it.`;
  say(missing);
  return !missing;
}

// The form that ships, and a scan of it.
async function openSample() {
  await apply(await (await fetchFile("samples/forms/meter-reading.yaml")).text());
  await openScans([await fetchFile("samples/forms/meter-reading-filled.jpg")]);
}

async function tryScan() {
  const tried = scan;
  reading = null; // what was read before is not of this scan
  view = "form";
  byId("alignment").textContent = "";
  table.clear();
  show();
  if (!(await isReady())) return;
  byId("alignment").textContent = "Reading…";
  let made = null;
  await attempt(async () => {
    made = await api.readForm(tried.file, yaml.value, draft.align === "picture" ? blank.file : null);
  });
  if (scan !== tried) return; // another scan was opened meanwhile
  reading = made;
  showReading();
}

function showReading() {
  byId("again").hidden = !scan;
  view = reading ? "scan" : "form";
  byId("alignment").textContent = reading ? aligned(reading.alignment) : "It could not be read.";
  byId("values").replaceChildren(...(reading?.fields ?? []).map(rowOf));
  if (reading) announce(`Read ${reading.fields.map((field) => `${field.name}: ${shownValue(field)}`).join(", ")}`);
  show();
}

// What people do ----------------------------------------------------------------------------------

function onFile(id, work) {
  byId(id).addEventListener("change", ({ target }) => {
    const files = [...target.files];
    target.value = ""; // the same file may be chosen again
    if (files.length) attempt(() => work(files));
  });
}

onFile("blank", ([file]) => openBlank(file));
onFile("yaml-file", async ([file]) => apply(await file.text()));
onFile("scan", openScans);
onFile("folder", (files) => openScans(files.filter(isPicture)));
receiveDrops(byId("sheet"), (files) => attempt(async () => {
  const pictures = files.filter((file) => !isTemplate(file));
  if (files.some(isTemplate)) await apply(await files.find(isTemplate).text());
  if (pictures.length && draft.align === "picture" && !blank) await openBlank(pictures.shift());
  await openScans(pictures);
}));
byId("sample").addEventListener("click", () => attempt(openSample));
offerUndo(() => history.canUndo && goBack(() => history.undo()), () => history.canRedo && goBack(() => history.redo()));
fieldForm.elements.name.addEventListener("keydown", nameNext);
byId("again").addEventListener("click", tryScan);
byId("apply").addEventListener("click", () => apply(yaml.value));
byId("save").addEventListener("click", save);
byId("propose").addEventListener("click", () => attempt(takeFound));
byId("delete").addEventListener("click", () => remove(selected));
byId("add").addEventListener("click", () => {
  const [width, height] = draft.page;
  const top = draft.fields.reduce((lowest, { box }) => Math.max(lowest, box[3] + 6), 30);
  const box = [25, Math.min(top, height - 35), Math.min(85, width - 25), Math.min(top, height - 35) + 10];
  add({ kind: "number", box });
});
byId("smaller").addEventListener("click", () => sheet.zoom(1 / 1.4));
byId("larger").addEventListener("click", () => sheet.zoom(1.4));
byId("views").addEventListener("click", ({ target }) => {
  if (!target.value) return;
  view = target.value;
  show();
});
fieldForm.addEventListener("change", edit);
fieldForm.addEventListener("submit", (event) => event.preventDefault());
formForm.addEventListener("submit", (event) => event.preventDefault());
formForm.addEventListener("change", () => {
  const { form, paper, align } = formForm.elements;
  draft.form = form.value;
  draft.align = align.value;
  if (paper.value !== "own") draft.setPage(paper.value.split("x").map(Number), Boolean(blank));
  else if (blank) draft.setPage(blank.paper ?? [210, Math.round((2100 * blank.size[1]) / blank.size[0]) / 10], true);
  showForm();
  changed();
  if (blank) attempt(findBoxes);
});
window.addEventListener("beforeunload", (event) => {
  if (!isSaved && draft.fields.length) event.preventDefault();
});

showForm();
show();
await attempt(async () => {
  byId("review-link").hidden = (await api.about()).corrections === null;
});

// The review page: the least sure readings first, worked by keyboard.

import * as api from "./api.js";
import { drawGlyph } from "./evidence.js";
import { receiveDrops } from "./intake.js";
import { element, isDoubtful, percent } from "./panel.js";
import { PictureFrame } from "./picture-frame.js";

const NOT_A_DIGIT = "not a digit";

const byId = (id) => document.getElementById(id);
const picture = new PictureFrame(byId("picture"));

let items = [];
let index = 0;
let next = null; // where the list goes on
let numLeft = 0;
let judged = []; // what was said, with the label before: the last one first to be undone

async function load() {
  const found = await api.list(byId("filter").value, next);
  items.push(...found.corrections);
  next = found.next;
  numLeft = found.left;
  showProgress();
}

function showProgress() {
  byId("left").textContent = numLeft ? `${numLeft} left` : "";
  const done = judged.filter(({ before }) => before === null).length;
  byId("progress").hidden = !done;
  byId("progress").max = done + numLeft || 1;
  byId("progress").value = done;
}

async function restart() {
  [items, index, next, judged] = [[], 0, null, []];
  await load();
  show();
}

function show() {
  const item = items[index];
  byId("item").hidden = !item;
  byId("empty").hidden = Boolean(item);
  byId("empty").textContent = items.length ? "That was the last one." : "Nothing waits for review.";
  byId("queue").replaceChildren(...items.map((each, at) => thumbnail(each, at)));
  byId("queue").children[index]?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  if (!item) return;
  byId("read").textContent = item.read || "–";
  const said = item.label === null ? "waits" : item.label === NOT_A_DIGIT ? NOT_A_DIGIT : `said to be ${item.label}`;
  byId("details").textContent = `read with ${percent(item.confidence)}, ${said}; ${item.model}`;
  byId("glyph").setAttribute("aria-label", `Number ${item.id}, read as ${item.read || "nothing"}`);
  byId("confirm").disabled = !/^[0-9]+$/.test(item.read);
  byId("keypad").hidden = Boolean(item.strip);
  byId("whole-number").hidden = !item.strip;
  byId("number").value = item.label === NOT_A_DIGIT ? "" : item.label ?? item.read;
  byId("junk").lastChild.textContent = item.strip ? " Not a number" : " Not a digit";
  byId("undo").disabled = judged.length === 0;
  for (const key of byId("keypad").children) key.setAttribute("aria-pressed", String(key.value === item.label));
  byId("glyph").hidden = Boolean(item.strip) && item.has_picture;
  drawGlyph(byId("glyph"), item.glyph);
  showPicture(item);
}

function thumbnail(item, at) {
  const canvas = element("canvas", { width: 56, height: 56 });
  const button = element("button", { type: "button" }, canvas, item.label === NOT_A_DIGIT ? "×" : item.label ?? `${item.read || "–"}?`);
  button.setAttribute("aria-label", `${item.read || "nothing"}, ${percent(item.confidence)}`);
  button.setAttribute("aria-current", String(at === index));
  onPress(button, () => go(at));
  drawGlyph(canvas, item.glyph);
  return element("li", {}, button);
}

function showPicture(item) {
  if (item.has_picture) attempt(() => picture.show((signal) => api.pictureOf(item.id, signal), item.box));
  else if (item.strip) picture.show(() => stripOf(item));
  else picture.clear();
}

// The picture of a whole number: a PNG file, dark on light as on paper.
async function stripOf({ strip }) {
  const bytes = Uint8Array.from(atob(strip), (character) => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = element("canvas", { width: bitmap.width, height: bitmap.height });
  const context = canvas.getContext("2d");
  context.filter = "invert(1)";
  context.drawImage(bitmap, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

// Reads pictures, and has their doubtful digits wait for review.
async function queueDoubtful(files) {
  let count = 0;
  for (const file of files) {
    const blob = await createImageBitmap(file).then(() => file, async () => (await api.pageOf(file, 1)).blob);
    const { numbers } = await api.read(blob, {});
    for (const digit of numbers.flatMap((number) => number.digits).filter(isDoubtful)) {
      await api.correct(blob, digit.box, "", {});
      count += 1;
    }
  }
  await restart();
  byId("announcement").textContent = `${count} doubtful digits wait for review`;
}

async function go(to) {
  index = Math.max(0, Math.min(items.length, to));
  if (index === items.length && next) await load();
  show();
}

async function judge(label) {
  const item = items[index];
  if (!item) return;
  const before = item.label;
  if (!(await update(item, () => api.judge(item.id, label)))) return;
  judged.push({ item, before });
  byId("announcement").textContent = `Number ${item.id}: ${label}`;
  if (before === null) count(-1);
  await go(index + 1);
}

// Changes an item; one that another person deleted is skipped: false.
async function update(item, work) {
  try {
    Object.assign(item, await work());
    return true;
  } catch (error) {
    if (error.status !== 404) throw error;
    drop(item);
    await go(index);
    byId("announcement").textContent = `Number ${item.id} was deleted by somebody else`;
    return false;
  }
}

// Takes an item out of the list.
function drop(item) {
  if (item.label === null) count(-1);
  items = items.filter((each) => each !== item);
  judged = judged.filter((each) => each.item !== item);
}

async function undo() {
  const last = judged.at(-1);
  if (!last) return;
  if (!(await update(last.item, () => api.judge(last.item.id, last.before)))) return;
  judged.pop();
  byId("announcement").textContent = `Number ${last.item.id}: ${last.before ?? "waits again"}`;
  if (last.before === null) count(1);
  await go(items.indexOf(last.item));
}

async function remove() {
  const item = items[index];
  if (!item) return;
  picture.giveUp(); // soon there is none to fetch
  if (!(await update(item, () => api.remove(item.id)))) return;
  byId("announcement").textContent = `Number ${item.id} deleted`;
  drop(item);
  await go(index);
}

async function removeAll() {
  picture.giveUp();
  await api.removeAll();
  await restart();
}

function count(change) {
  numLeft = Math.max(0, numLeft + change);
  showProgress();
}

async function attempt(work) {
  try {
    await work();
    byId("message").hidden = true;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    byId("message").textContent = error.message;
    byId("message").hidden = false;
  }
}

async function confirmReading() {
  const { read } = items[index] ?? {};
  if (/^[0-9]+$/.test(read ?? "")) await judge(read);
}

let turn = Promise.resolve();

// Keys are faster than the service: each waits until the one before it is done.
function inTurn(work) {
  turn = turn.then(() => attempt(work));
  return turn;
}

// The focus goes back to the item at once: the next key is meant for it, not for the button.
function onPress(button, work) {
  button.addEventListener("click", () => {
    byId("item").focus();
    inTurn(work);
  });
}

for (const label of "0123456789") {
  const key = element("button", { type: "button", textContent: label, value: label });
  onPress(key, () => judge(label));
  byId("keypad").append(key);
}
const actions = {
  confirm: confirmReading,
  junk: () => judge(NOT_A_DIGIT),
  back: () => go(index - 1),
  skip: () => go(index + 1),
  undo,
  delete: remove,
};
for (const [id, action] of Object.entries(actions)) onPress(byId(id), action);
byId("whole-number").addEventListener("submit", (event) => {
  event.preventDefault();
  inTurn(() => judge(byId("number").value));
});
receiveDrops(document.querySelector("main"), (files) => inTurn(() => queueDoubtful(files)));
byId("export").addEventListener("click", () => inTurn(save));
byId("filter").addEventListener("change", () => inTurn(restart));
byId("delete-all").addEventListener("click", () => byId("confirm-dialog").showModal());
byId("confirm-dialog").addEventListener("close", () => {
  if (byId("confirm-dialog").returnValue === "yes") inTurn(removeAll);
});

async function save() {
  const url = URL.createObjectURL(await api.exported());
  element("a", { href: url, download: "corrections.jsonl" }).click();
  URL.revokeObjectURL(url);
}

const keys = { x: "junk", ArrowLeft: "back", ArrowRight: "skip", Delete: "delete" };

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select") || document.querySelector("dialog[open]")) return;
  const isUndo = (event.ctrlKey || event.metaKey) && !event.altKey && event.key === "z";
  if (!isUndo && (event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem("inkread-shortcuts") === "off")) return;
  if (event.repeat && !event.key.startsWith("Arrow")) return event.preventDefault(); // one press, one answer
  if (isUndo) inTurn(undo);
  else if (/^[0-9]$/.test(event.key) && !items[index]?.strip) inTurn(() => judge(event.key));
  else if (event.key === "Enter" && !event.target.matches("a, button")) inTurn(confirmReading);
  else if (event.key in keys) inTurn(actions[keys[event.key]]);
  else return;
  event.preventDefault();
});

inTurn(async () => {
  byId("forms-link").hidden = !(await api.about()).forms;
});
await inTurn(restart);

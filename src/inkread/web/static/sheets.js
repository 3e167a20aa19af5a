// Files that were opened: a sheet is one page of one of them, as a picture that browsers can show.

import * as api from "./api.js";
import { sayingOf } from "./numbers.js";
import { element } from "./panel.js";
import { pixelsProblem, sizeProblem } from "./problems.js";

// Sheets of files that are not loaded yet. Their values are filled in as they become known.
export const sheetsOf = (files) => [...files].map((file) => ({ file, name: file.name || "picture", number: 1, count: 1, blob: null, page: null, known: null, problem: "" }));

// Loads the picture of a sheet; returns the sheets of the file's other pages, if they are first heard of.
export async function load(sheet, limits, signal) {
  if (sheet.blob) return [];
  const tooLarge = sizeProblem({ name: sheet.name, size: sheet.file.size }, limits);
  if (tooLarge) throw new api.ApiError(413, tooLarge);
  const bitmap = await createImageBitmap(sheet.file).catch(() => null);
  if (bitmap) {
    const { width, height } = bitmap;
    bitmap.close();
    const problem = pixelsProblem(sheet.name, width, height, limits);
    if (problem) throw new api.ApiError(413, problem);
    sheet.blob = sheet.file;
    return [];
  }
  const { blob, count } = await api.pageOf(sheet.file, sheet.number, signal);
  const isNew = sheet.count === 1 && count > 1;
  sheet.blob = blob;
  sheet.count = count;
  return isNew ? Array.from({ length: count - 1 }, (_, at) => ({ ...sheet, number: at + 2, blob: null })) : [];
}

const isDone = (sheet) => Boolean(sheet.page || sheet.problem);

// The sheet to read next: the one that is looked at, else the first.
export const nextOf = (sheets, at) => [sheets[at], ...sheets].find((sheet) => sheet && !isDone(sheet));

// What is asked anew when it is read with other options.
export function forgetReadings(sheets) {
  for (const sheet of sheets) [sheet.page, sheet.problem] = [null, ""];
}

export function showSheets(list, sheets, at, onChoose) {
  list.hidden = sheets.length < 2;
  const focused = list.contains(document.activeElement);
  list.replaceChildren(...(list.hidden ? [] : sheets).map((sheet, index) => {
    const name = element("span", { className: "name", textContent: sheet.count > 1 ? `${sheet.name}, page ${sheet.number}` : sheet.name });
    const button = element("button", { type: "button" }, name, element("span", { className: "found", textContent: stateOf(sheet) }));
    button.setAttribute("aria-current", String(index === at));
    button.classList.toggle("is-wrong", Boolean(sheet.problem));
    button.addEventListener("click", () => onChoose(index));
    return element("li", {}, button);
  }));
  const chosen = list.querySelector('[aria-current="true"]');
  if (focused) chosen?.focus();
  chosen?.scrollIntoView({ block: "nearest" });
}

function stateOf(sheet) {
  if (sheet.problem) return "can't be read";
  if (!sheet.page) return "…";
  const found = sheet.page.numbers.filter((number) => number.digits.length);
  if (found.length === 1) return sayingOf(found[0]);
  return found.length ? `${found.length} numbers` : "nothing found";
}

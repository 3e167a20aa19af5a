// What was read, to take away: as text for the clipboard, as files, and as a picture with boxes.

import { isDoubtful, percent } from "./panel.js";
import { aloneOn, isCorrected, isShown, sayingOf } from "./numbers.js";
import { makeXlsx } from "./xlsx.js";

const FORMULA = /^([=+@\t\r]|-(?![0-9.,]))/; // how one begins
const COLUMNS = ["file", "page", "text", "raw", "value", "confidence", "rejected", "printed", "struck", "left", "top", "right", "bottom"];

const gridOf = (table) => table.rows.map((row) => row.map((cell) => (cell?.number ? sayingOf(cell.number) : "")));

// The numbers of a page, one a line; tables with tabs, as spreadsheets take them.
function textOfPage(page) {
  const tables = (page.tables ?? []).map((table) => gridOf(table).map((row) => row.join("\t")).join("\n"));
  const alone = aloneOn(page).map(sayingOf).filter(Boolean).join("\n");
  return [...tables, alone].filter(Boolean).join("\n\n");
}

// A cell of CSV. What a spreadsheet would take for a formula stays text.
function cellOf(value) {
  const text = String(value ?? "");
  const safe = typeof value === "string" && FORMULA.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csvOf = (rows) => rows.map((row) => `${row.map(cellOf).join(",")}\n`).join("");

// pages: { name, page } of each file's page, where page is what was read.
function numbersAsCsv(pages) {
  const rows = pages.flatMap(({ name, number, page }) => page.numbers.filter(isShown).map((each) => [
    name, number, isCorrected(each) ? sayingOf(each) : each.text, sayingOf(each),
    isCorrected(each) ? "" : each.value ?? each.date ?? each.time, each.confidence.toFixed(4),
    each.rejected, Boolean(each.printed), Boolean(each.struck), ...each.box,
  ]));
  return csvOf([COLUMNS, ...rows]);
}

const tablesAsCsv = (pages) => pages.flatMap(({ page }) => page.tables ?? []).map((table) => csvOf(gridOf(table))).join("\n");

// A sheet for each table; and one for the numbers of a page that stand in none.
function asXlsx(pages) {
  const cellOf = (number) => ({ text: number ? sayingOf(number) : "", isDoubtful: Boolean(number) && !isSure(number) });
  const sheets = pages.flatMap(({ name, number, page }) => {
    const tables = (page.tables ?? []).map((table) => table.rows.map((row) => row.map((cell) => cellOf(cell?.number))));
    const alone = aloneOn(page).map((each) => [cellOf(each)]);
    const title = number > 1 ? `${name} ${number}` : name;
    return [...tables, ...(alone.length ? [alone] : [])].map((rows) => ({ title, rows }));
  });
  return makeXlsx(sheets);
}

const isSure = (number) => number.corrected != null || (!number.rejected && number.digits.every((digit) => digit.corrected || !isDoubtful(digit)));

const asJson = (pages) => `${JSON.stringify(pages.map(({ name, number, page }) => ({ file: name, ...page, page: number })), null, 1)}\n`;

// The picture with a box around each number, and what it says above.
async function annotated(blob, page) {
  const bitmap = await createImageBitmap(blob);
  const zoom = Math.max(1, 240 / Math.max(bitmap.width, bitmap.height));
  const width = Math.round(bitmap.width * zoom), height = Math.round(bitmap.height * zoom);
  const font = Math.max(14, Math.round(Math.max(width, height) / 60));
  const margin = Math.round(font * 1.5);
  const canvas = Object.assign(document.createElement("canvas"), { width, height: height + margin });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height + margin);
  context.drawImage(bitmap, 0, margin, width, height);
  bitmap.close();
  context.font = `600 ${font}px system-ui, sans-serif`;
  context.lineJoin = "round";
  for (const number of page.numbers.filter(isShown)) {
    const [left, top, right, bottom] = number.box.map((side) => side * zoom);
    context.strokeStyle = context.fillStyle = isSure(number) ? "#00783c" : "#c81e1e";
    context.lineWidth = Math.max(1, font / 10);
    context.strokeRect(left, top + margin, right - left, bottom - top);
    const caption = number.struck ? "crossed out" : `${sayingOf(number) || "?"}  ${percent(number.confidence)}`;
    const x = Math.max(0, Math.min(left, width - context.measureText(caption).width));
    context.lineWidth = font / 4;
    context.strokeStyle = "#fff";
    context.strokeText(caption, x, top + margin - font / 3);
    context.fillText(caption, x, top + margin - font / 3);
  }
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Puts text on the clipboard, also where the page has no secure origin.
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

// Has the buttons do what they say with readings(), all that was read, and shown(), what is looked at: { source, page }.
export function offerExports(readings, shown, copyText) {
  const on = (id, act) => document.getElementById(id).addEventListener("click", act);
  const stem = () => (readings().length > 1 ? "numbers" : readings()[0].name.replace(/\.[^.]*$/, ""));
  const saveText = (text, type, ending) => save(new Blob([text], { type }), `${stem()}${ending}`);
  on("copy-all", () => copyText(readings().map((each) => textOfPage(each.page)).filter(Boolean).join("\n\n")));
  on("csv", () => saveText(numbersAsCsv(readings()), "text/csv", ".csv"));
  on("table-csv", () => saveText(tablesAsCsv(readings()), "text/csv", "-table.csv"));
  on("xlsx", () => save(asXlsx(readings()), `${stem()}.xlsx`));
  on("json", () => saveText(asJson(readings()), "application/json", ".json"));
  on("annotated", async () => {
    const { source, page } = shown();
    save(await annotated(source, page), `${stem()}-read.png`);
  });
}

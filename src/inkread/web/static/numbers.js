// The numbers of a page as people see them: tables as tables, the others in lines, the least sure folded away.

import { element, isDoubtful, percent, textOf, verdictOf } from "./panel.js";

const FEW = 6; // numbers that are read out
const HARDLY_READ = 0.1; // lines less sure than this are folded away

export const isCorrected = (number) => number.corrected != null || number.digits.some((digit) => digit.corrected);

// What a number says, with what was corrected.
export function sayingOf(number) {
  if (number.corrected != null) return number.corrected.replace("×", "");
  if (isCorrected(number)) return number.digits.map(textOf).join("").replaceAll("×", "");
  return number.rejected ? number.text : number.raw || number.text;
}

// Makes the numbers in the tables of an answer the same objects as those in its list.
export function joinTables(page) {
  const placed = new Map(page.numbers.map((number) => [number.box?.join(), number]));
  for (const table of page.tables ?? []) {
    for (const cell of table.rows.flat()) {
      if (cell?.number) cell.number = placed.get(cell.number.box.join()) ?? cell.number;
    }
  }
  return page;
}

export const isShown = (number) => !number.isPart && (number.digits.length > 0 || number.unconstrained != null || Boolean(number.struck));

// The numbers that stand in no table.
export function aloneOn(page) {
  const placed = new Set((page.tables ?? []).flatMap((table) => table.rows.flat().map((cell) => cell?.number)));
  return page.numbers.filter((number) => isShown(number) && !placed.has(number));
}

// Those of them that are hardly read, unless there is nothing else.
function foldedOn(page) {
  const alone = aloneOn(page);
  const isHardlyRead = (number) => number.confidence < HARDLY_READ && !number.struck;
  return alone.length > 1 || page.tables?.length ? alone.filter(isHardlyRead) : [];
}

// The digit that a person should look at first: the least sure one that isn't folded away; null if there is none.
export function leastSureOn(page) {
  const folded = foldedOn(page);
  const digits = page.numbers.filter((number) => !folded.includes(number)).flatMap((number) => number.digits);
  return digits.reduce((least, digit) => (!least || digit.confidence < least.confidence ? digit : least), null);
}

// What is read out: few numbers digit by digit, many only counted.
export function announcementOf(page) {
  const found = page.numbers.filter((number) => number.digits.length).map((number) => [...number.text].join(" "));
  const said = found.length > FEW ? `${found.length} numbers` : found.join(", ");
  return found.length ? `Read ${said}` : "No number found";
}

export function showNumbers(container, page, selected, { onSelect, onCopy }) {
  const focused = container.contains(document.activeElement);
  const wasOpen = container.querySelector("details")?.open ?? false;
  const tables = page?.tables ?? [];
  const folded = page ? foldedOn(page) : [];
  const shown = page ? aloneOn(page).filter((number) => !folded.includes(number)) : [];
  container.classList.toggle("is-many", shown.length > 3);
  const line = (number) => lineOf(number, selected, onSelect, page.numbers.length > 1 && onCopy);
  const parts = [...tables.map((table, at) => tableOf(table, at, tables.length, selected, onSelect)), ...shown.map(line)];
  if (folded.length) {
    const summary = element("summary", { textContent: folded.length === 1 ? "1 doubtful line" : `${folded.length} doubtful lines` });
    const isChosen = folded.some((number) => number.digits.includes(selected));
    parts.push(element("details", { className: "folded", open: wasOpen || isChosen }, summary, ...folded.map(line)));
  }
  container.replaceChildren(...parts);
  if (focused) container.querySelector('[aria-pressed="true"]')?.focus();
}

function buttonsOf(number, selected, onSelect) {
  if (number.corrected != null) {
    const button = element("button", { type: "button", className: "is-corrected", textContent: number.corrected });
    button.setAttribute("aria-pressed", String(number.digits.includes(selected)));
    button.setAttribute("aria-label", `${number.corrected}: corrected`);
    button.addEventListener("click", () => onSelect(number.digits[0]));
    return [button];
  }
  return number.digits.map((digit) => {
    const button = element("button", { type: "button", textContent: textOf(digit) });
    button.classList.toggle("is-doubtful", isDoubtful(digit) && !digit.corrected);
    button.classList.toggle("is-corrected", Boolean(digit.corrected));
    button.setAttribute("aria-pressed", String(digit === selected));
    button.setAttribute("aria-label", `${textOf(digit)}: ${verdictOf(digit)}`);
    button.addEventListener("click", () => onSelect(digit));
    return button;
  });
}

function lineOf(number, selected, onSelect, onCopy) {
  const digits = element("span", { className: "digits" }, ...buttonsOf(number, selected, onSelect));
  const line = element("div", { className: "number" }, digits, ...marksOf(number), element("span", { className: "sure", textContent: noteOf(number) }));
  const text = sayingOf(number);
  if (text && onCopy) {
    const copy = element("button", { type: "button", className: "link copy", textContent: "Copy" });
    copy.setAttribute("aria-label", `Copy ${text}`);
    copy.addEventListener("click", () => onCopy(text));
    line.append(copy);
  }
  return line;
}

function marksOf(number) {
  const marks = [number.printed && "printed", number.struck && "crossed out"].filter(Boolean);
  return marks.map((textContent) => element("span", { className: "chip", textContent }));
}

function tableOf(table, at, count, selected, onSelect) {
  const size = `${table.rows.length} × ${table.rows[0]?.length ?? 0}`;
  const name = count > 1 ? `Table ${at + 1}, ${size}` : `Table, ${size}`;
  const rows = table.rows.map((row) => element("tr", {}, ...row.map((cell) => cellOf(cell?.number, selected, onSelect))));
  const body = element("table", {}, element("caption", { textContent: name }), element("tbody", {}, ...rows));
  const frame = element("div", { className: "table", tabIndex: 0 }, body);
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", name);
  return frame;
}

function cellOf(number, selected, onSelect) {
  const cell = element("td");
  if (!number || !isShown(number)) return cell;
  const digits = number.digits;
  if (!digits.length) {
    if (number.struck) cell.append(element("s", { textContent: "crossed out" }));
    return cell;
  }
  const least = digits.reduce((least, digit) => (digit.confidence < least.confidence ? digit : least));
  const button = element("button", { type: "button", textContent: isCorrected(number) ? sayingOf(number) : number.raw || number.text });
  button.classList.toggle("is-doubtful", number.corrected == null && (number.rejected || digits.some((digit) => isDoubtful(digit) && !digit.corrected)));
  button.classList.toggle("is-corrected", isCorrected(number));
  button.setAttribute("aria-pressed", String(digits.includes(selected)));
  button.classList.toggle("is-printed", Boolean(number.printed));
  button.title = [number.printed && "printed", noteOf(number) || `${percent(number.confidence)} sure`].filter(Boolean).join(", ");
  button.addEventListener("click", () => onSelect(least));
  cell.append(button);
  return cell;
}

// What stands beside a number: how sure it is, how it was written, and what the constraints did.
function noteOf(number) {
  if (number.corrected != null) return number.corrected === "×" ? "corrected: not a number" : "corrected";
  if (number.struck) return "not read";
  if (!number.digits.length) return `nothing fits the constraints; read without them: ${number.unconstrained}`;
  const notes = [];
  if (number.digits.length > 1) notes.push(number.rejected ? "not sure" : `${percent(number.confidence)} sure`);
  if (number.raw && number.raw !== number.text) notes.push(`written ${number.raw}`);
  const value = number.value ?? number.date ?? number.time;
  if (value && value !== number.raw) notes.push(`value ${value}`);
  if (number.unconstrained != null) notes.push(`without the constraints: ${number.unconstrained || "nothing"}`);
  return notes.join(" · ");
}

// What was read on one scan of a form, as people see it.

import { element, percent } from "./panel.js";

export const shownValue = ({ value }) => ({ true: "✓", false: "☐", "": "–" })[value] ?? value;

// A row of the table of values; the field gets what stands beside its box on the scan.
export function rowOf(field) {
  field.shown = `${shownValue(field)}  ${percent(field.confidence)}${field.status === "ok" ? "" : `  ${field.status}`}`;
  const status = element("td", {}, field.status, ...(field.note ? [element("small", { textContent: field.note })] : []));
  const name = element("th", { scope: "row", textContent: field.name });
  const row = element("tr", {}, name, element("td", { className: "value", textContent: shownValue(field) }), element("td", { textContent: percent(field.confidence) }), status);
  row.classList.toggle("is-aside", field.status === "doubtful" || field.status === "missing");
  return row;
}

export function aligned({ residual_mm: residual, dpi, turned_deg: turned }) {
  return `Found within ${residual.toFixed(2)} mm, at ${Math.round(dpi)} dpi, turned by ${turned.toFixed(1)}°.`;
}

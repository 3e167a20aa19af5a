// Several scans of a form: read one after the other into a table, which can be saved.

import * as api from "./api.js";
import { csvOf, save } from "./exports.js";
import { shownValue } from "./form-reading.js";
import { element } from "./panel.js";

const byId = (id) => document.getElementById(id);

// Reads scans with a template and the picture of its blank form, if there is one; onRow(count) is called after each.
export class FormTable {
  #rows = []; // { file, fields, problem }
  #stopped = new AbortController();

  constructor() {
    byId("table-save").addEventListener("click", () => save(new Blob([this.#csv()], { type: "text/csv" }), "forms.csv"));
    byId("table-stop").addEventListener("click", () => this.stop());
  }

  stop() {
    this.#stopped.abort();
    byId("table-stop").hidden = true;
  }

  clear() {
    this.stop();
    this.#rows = [];
    byId("table").hidden = true;
  }

  async read(files, template, blank) {
    this.clear();
    this.#stopped = new AbortController();
    const { signal } = this.#stopped;
    byId("table").hidden = byId("table-stop").hidden = false;
    for (const file of files) {
      byId("table-progress").textContent = `Reading ${this.#rows.length + 1} of ${files.length}…`;
      const row = { file: file.name, fields: [], problem: "" };
      try {
        const onWait = (error) => { byId("table-progress").textContent = `${error.message} Trying again…`; };
        row.fields = (await api.patiently(() => api.readForm(file, template, blank, signal), signal, onWait)).fields;
      } catch (error) {
        if (error.name === "AbortError") break;
        if (!(error instanceof api.ApiError)) throw error;
        row.problem = error.message;
      }
      if (signal.aborted) break;
      this.#rows.push(row);
      this.#show();
    }
    if (signal !== this.#stopped.signal) return; // others are read by now
    byId("table-stop").hidden = true;
    const doubtful = this.#rows.flatMap(({ fields }) => fields).filter(isAside).length;
    const failed = this.#rows.filter(({ problem }) => problem).length;
    const notes = [`${this.#rows.length} of ${files.length} read`, doubtful && `${doubtful} fields to look at`, failed && `${failed} can't be read`];
    byId("table-progress").textContent = `${notes.filter(Boolean).join(", ")}.`;
  }

  #show() {
    const names = this.#names();
    const head = element("tr", {}, ...["Scan", ...names].map((textContent) => element("th", { scope: "col", textContent })));
    byId("table-head").replaceChildren(head);
    byId("table-body").replaceChildren(...this.#rows.map((row) => {
      const name = element("th", { scope: "row", textContent: row.file });
      if (row.problem) return element("tr", { className: "is-aside" }, name, element("td", { colSpan: Math.max(1, names.length), textContent: row.problem }));
      return element("tr", {}, name, ...row.fields.map((field) => {
        const cell = element("td", { textContent: `${shownValue(field)}${isAside(field) ? " ?" : ""}`, title: field.note || field.status });
        cell.classList.toggle("is-doubtful", isAside(field));
        return cell;
      }));
    }));
  }

  #names() {
    return this.#rows.find(({ fields }) => fields.length)?.fields.map(({ name }) => name) ?? [];
  }

  #csv() {
    const names = this.#names();
    const rows = this.#rows.map(({ file, fields, problem }) => [
      file, ...names.map((_, at) => fields[at]?.value ?? ""), fields.filter(isAside).map(({ name }) => name).join(" "), problem,
    ]);
    return csvOf([["file", ...names, "doubtful", "problem"], ...rows]);
  }
}

const isAside = ({ status }) => status === "doubtful" || status === "missing";

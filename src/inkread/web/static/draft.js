// The draft of a template: its values as the page edits them, and as the service takes them.

export const PAPERS = { a4: [210, 297], a5: [148, 210], letter: [215.9, 279.4] };

const KEYS = {
  number: ["length", "pattern", "check", "min", "max"],
  comb: ["cells", "length", "pattern", "check", "min", "max"],
  date: ["format", "comb", "min", "max"],
  amount: ["decimals", "cells", "min", "max"],
  decimal: ["decimal", "decimals", "min", "max"],
  signed: ["decimal", "decimals", "min", "max"],
  fraction: ["min", "max"],
  time: ["min", "max"],
  tick: [],
};
const SAME = 0.5; // boxes that share so much are meant to be one

export class Draft {
  form = "form";
  title = "";
  page = PAPERS.a4;
  align = "picture";
  picture = ""; // the name of the blank form's file
  fields = [];
  rules = [];

  // Makes a draft of the values that the service gives for a template.
  static of({ form, title = "", page = PAPERS.a4, unit = "mm", align = "markers", fields, rules = [] }) {
    const draft = new Draft();
    const [width, height] = unit === "mm" ? [1, 1] : page;
    const scaled = fields.map((field) => ({ ...field, box: field.box.map((side, at) => Math.round(10 * side * (at % 2 ? height : width)) / 10) }));
    const found = align === "markers" ? { align } : { align: "picture", picture: align.picture };
    return Object.assign(draft, { form, title, page, fields: scaled, rules, ...found });
  }

  // The values that the service takes, in the order in which people read them.
  get values() {
    const name = Object.keys(PAPERS).find((each) => PAPERS[each].join() === this.page.join());
    return {
      form: this.form,
      ...(this.title && { title: this.title }),
      page: name ?? this.page,
      align: this.align === "markers" ? "markers" : { picture: this.picture || "blank.png" },
      fields: this.fields.map((field) => {
        const own = KEYS[field.kind].filter((key) => field[key] !== undefined && field[key] !== "");
        return {
          name: field.name,
          ...(field.label && { label: field.label }),
          kind: field.kind,
          ...Object.fromEntries(own.map((key) => [key, field[key]])),
          box: field.box,
          ...(field.required && { required: true }),
        };
      }),
      ...(this.rules.length && { rules: this.rules }),
    };
  }

  // Changes the paper; boxes on the picture of a form keep their place on it.
  setPage(page, isPicture) {
    const scales = isPicture ? [page[0] / this.page[0], page[1] / this.page[1]] : [1, 1];
    for (const field of this.fields) field.box = field.box.map((side, at) => Math.round(10 * side * scales[at % 2]) / 10);
    this.page = page;
  }

  // All of it as a text, and a draft made of such a text: for undoing.
  get snapshot() {
    return JSON.stringify(this);
  }

  static from(snapshot) {
    return Object.assign(new Draft(), JSON.parse(snapshot));
  }

  // Adds a field with a name that no other has, and says where.
  add(field) {
    let number = this.fields.length + 1;
    while (this.fields.some((each) => each.name === `field_${number}`)) number++;
    this.fields.push({ name: `field_${number}`, ...field });
    return this.fields.length - 1;
  }
}

// Of boxes that were found on a form, the one that a drawn box means; the drawn one if none is.
export function meant(box, found) {
  const area = ([left, top, right, bottom]) => Math.max(0, right - left) * Math.max(0, bottom - top);
  const shared = (other) => {
    const both = area([Math.max(box[0], other[0]), Math.max(box[1], other[1]), Math.min(box[2], other[2]), Math.min(box[3], other[3])]);
    return both / (area(box) + area(other) - both);
  };
  const best = found.reduce((nearest, each) => (!nearest || shared(each.box) > shared(nearest.box) ? each : nearest), null);
  return best && shared(best.box) >= SAME ? fieldOf(best) : { kind: "number", box };
}

export const fieldOf = ({ kind, cells, box }) => ({ kind, ...(cells && { cells }), box });

// What is typed as a length: a number, or the least and the greatest of one.
export function lengthOf(text) {
  const [least, greatest] = text.split(/[-–,]/).map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : part.trim()));
  return greatest === undefined ? least : [least, greatest];
}

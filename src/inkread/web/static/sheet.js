// The sheet: a form or a scan with boxes on it, which are drawn, moved and resized by pointer and keys.

const SVG = "http://www.w3.org/2000/svg";
const LEAST_MM = 2.5; // smaller is a click, no box
const STEP_MM = 0.5;
const HANDLE_PX = 6, REACH_PX = 14, TEXT_PX = 12;
const MARKER_MM = { side: 10, margin: 8 };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const made = (name, attributes = {}, ...children) => {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
const rounded = (box) => box.map((side) => Math.round(10 * side) / 10);

export class Sheet {
  #svg;
  #frame;
  #zoom = 1;
  #size = [210, 297]; // of what is shown, in its own unit: millimetres, or pixels of a scan
  #scale = 1; // CSS pixels a unit
  #content = { kind: "form", image: null, fields: [], selected: -1, wrong: new Set(), hasMarkers: false };
  #drag = null;

  // on: select(index), change(index, box), create(box), remove(index), name(index).
  constructor(frame, svg, on) {
    this.#frame = frame;
    this.#svg = svg;
    this.on = on;
    svg.addEventListener("pointerdown", (event) => this.#begin(event));
    svg.addEventListener("pointermove", (event) => this.#move(event));
    svg.addEventListener("pointerup", (event) => this.#end(event, true));
    svg.addEventListener("pointercancel", (event) => this.#end(event, false));
    svg.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(frame);
  }

  // Shows a form: the URL of its picture, its size in millimetres, its fields.
  showForm(size, content) {
    this.#size = size;
    this.#content = { kind: "form", ...content };
    this.#draw();
  }

  // Shows a scan with what was read on it.
  showReading(image, reading) {
    this.#size = [reading.width, reading.height];
    this.#content = { kind: "scan", image, fields: reading.fields };
    this.#draw();
  }

  zoom(factor) {
    this.#zoom = Math.min(6, Math.max(1, this.#zoom * factor));
    this.#draw();
  }

  #draw() {
    const { kind, image, fields } = this.#content;
    const [width, height] = this.#size;
    const room = { width: this.#frame.clientWidth, height: parseFloat(getComputedStyle(this.#frame).maxHeight) || innerHeight };
    if (room.width <= 0) return; // not laid out
    this.#scale = this.#zoom * Math.min(room.width / width, (room.height - 2) / height);
    const hadFocus = this.#svg.contains(document.activeElement);
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.setAttribute("width", Math.floor(width * this.#scale));
    this.#svg.setAttribute("height", Math.floor(height * this.#scale));
    this.#svg.classList.toggle("is-read", kind === "scan");
    const paper = image ? [made("image", { href: image, width, height, preserveAspectRatio: "none" })] : [];
    if (kind === "form" && this.#content.hasMarkers && !image) paper.push(...this.#markers());
    const draw = kind === "form" ? (field, at) => this.#box(field, at) : (field) => this.#read(field);
    this.#svg.replaceChildren(...paper, ...fields.map(draw));
    if (this.#drag?.box && this.#drag.kind === "draw") {
      const [left, top, right, bottom] = this.#drag.box;
      this.#svg.append(made("rect", { class: "drawn", x: left, y: top, width: right - left, height: bottom - top }));
    }
    if (hadFocus) this.focus();
  }

  focus() {
    this.#svg.querySelector(".is-selected")?.focus({ preventScroll: true });
  }

  #markers() {
    const [width, height] = this.#size;
    const { side, margin } = MARKER_MM;
    const far = (length) => length - margin - side;
    return [[margin, margin], [far(width), margin], [far(width), far(height)], [margin, far(height)]].map(
      ([x, y]) => made("rect", { class: "marker", x, y, width: side, height: side }),
    );
  }

  #text(x, y, words) {
    const size = TEXT_PX / this.#scale;
    const text = made("text", { x, y: y < 1.4 * size ? y + 1.1 * size : y - 0.35 * size, "font-size": size, "stroke-width": 0.25 * size });
    text.textContent = words;
    return text;
  }

  // The name of a field, inside its box: above it the form's own labels are printed.
  #inside({ box: [left, top, right, bottom], name }) {
    const size = Math.min(TEXT_PX / this.#scale, 0.75 * (bottom - top), (1.6 * (right - left)) / Math.max(1, name.length));
    const text = this.#text(left + 0.35 * size, 0, name);
    text.setAttribute("y", (top + bottom) / 2 + 0.35 * size);
    text.setAttribute("font-size", size);
    text.setAttribute("stroke-width", 0.25 * size);
    return text;
  }

  // Words to the right of a box where there is room, else above it.
  #beside(corners, words) {
    const xs = corners.map(([x]) => x), ys = corners.map(([, y]) => y);
    const size = TEXT_PX / this.#scale;
    const right = Math.max(...xs) + 0.6 * size, end = right + 0.62 * size * words.length;
    const middle = (Math.min(...ys) + Math.max(...ys)) / 2;
    const isTaken = this.#content.fields.some(({ corners: others }) => {
      const x = Math.min(...others.map(([each]) => each)), y = others.map(([, each]) => each);
      return x > right && x < end && Math.min(...y) - size < middle && middle < Math.max(...y) + size;
    });
    if (isTaken || end > this.#size[0]) return this.#text(Math.min(...xs), Math.min(...ys), words);
    return this.#text(right, middle + 0.7 * size, words);
  }

  #box(field, at) {
    const { selected, wrong } = this.#content;
    const [left, top, right, bottom] = field.box;
    const cells = numCells(field);
    const edges = Array.from({ length: Math.max(0, cells - 1) }, (_, cell) => {
      const x = left + ((right - left) * (cell + 1)) / cells;
      return `M${x} ${top}V${bottom}`;
    });
    const group = made("g", { class: "box", tabindex: 0, role: "button", "data-index": at, "aria-pressed": String(at === selected) },
      made("rect", { x: left, y: top, width: right - left, height: bottom - top }),
      made("path", { d: edges.join("") || "M0 0" }),
      this.#inside(field),
    );
    group.setAttribute("aria-label", `${field.name}: ${field.kind}, from ${left}, ${top} to ${right}, ${bottom} millimetres`);
    group.classList.toggle("is-selected", at === selected);
    group.classList.toggle("is-wrong", wrong.has(at));
    group.addEventListener("focus", () => {
      if (at !== this.#content.selected) this.on.select(at);
    });
    if (at === selected) {
      for (const x of [left, right]) {
        for (const y of [top, bottom]) group.append(made("circle", { class: "handle", cx: x, cy: y, r: HANDLE_PX / this.#scale }));
      }
    }
    return group;
  }

  #read(field) {
    const isAside = field.status === "doubtful" || field.status === "missing";
    const text = this.#beside(field.corners, field.shown);
    const group = made("g", { class: "box" }, made("polygon", { points: field.corners.join(" ") }), text);
    group.classList.toggle("is-aside", isAside);
    return group;
  }

  // Pointers --------------------------------------------------------------------------------------

  #point(event) {
    const bounds = this.#svg.getBoundingClientRect();
    const at = [(event.clientX - bounds.left) / bounds.width, (event.clientY - bounds.top) / bounds.height];
    return at.map((share, axis) => Math.min(1, Math.max(0, share)) * this.#size[axis]);
  }

  #begin(event) {
    if (this.#content.kind !== "form" || this.#drag || event.button !== 0) return;
    event.preventDefault();
    this.#svg.setPointerCapture(event.pointerId);
    const [x, y] = this.#point(event);
    const { fields, selected } = this.#content;
    const corner = fields[selected] && this.#cornerAt(fields[selected].box, x, y);
    const hit = corner ? selected : fields.findLastIndex(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]);
    const kind = corner ? "resize" : hit >= 0 ? "move" : "draw";
    this.#drag = { id: event.pointerId, kind, corner, start: [x, y], from: fields[hit]?.box, box: null };
    if (hit >= 0) {
      this.on.select(hit);
      this.focus();
    } else this.on.select(-1);
  }

  #cornerAt([left, top, right, bottom], x, y) {
    const reach = REACH_PX / this.#scale;
    const near = (one, other) => Math.abs(one - other) <= reach;
    const horizontal = near(x, right) ? 2 : near(x, left) ? 0 : null;
    const vertical = near(y, bottom) ? 3 : near(y, top) ? 1 : null;
    // In a small box most places are near a corner: its middle moves it.
    const isInside = x > left + (right - left) / 4 && x < right - (right - left) / 4 && y > top + (bottom - top) / 4 && y < bottom - (bottom - top) / 4;
    return horizontal === null || vertical === null || isInside ? null : [horizontal, vertical];
  }

  #move(event) {
    const drag = this.#drag;
    if (event.pointerId !== drag?.id) return;
    const [x, y] = this.#point(event);
    const [x0, y0] = drag.start;
    if (drag.kind === "draw") drag.box = [Math.min(x, x0), Math.min(y, y0), Math.max(x, x0), Math.max(y, y0)];
    else if (drag.kind === "move") drag.box = this.#moved(drag.from, x - x0, y - y0);
    else {
      const box = [...drag.from];
      box[drag.corner[0]] = x;
      box[drag.corner[1]] = y;
      drag.box = [Math.min(box[0], box[2]), Math.min(box[1], box[3]), Math.max(box[0], box[2]), Math.max(box[1], box[3])];
    }
    if (drag.kind === "draw") this.#draw();
    else this.on.change(this.#content.selected, rounded(drag.box), false);
  }

  #end(event, isDone) {
    const drag = this.#drag;
    if (event.pointerId !== drag?.id) return;
    this.#drag = null;
    if (!drag.box) return;
    if (drag.kind !== "draw") this.on.change(this.#content.selected, rounded(isDone ? drag.box : drag.from), true);
    else if (isDone && drag.box[2] - drag.box[0] >= LEAST_MM && drag.box[3] - drag.box[1] >= LEAST_MM) this.on.create(rounded(drag.box));
    else this.#draw();
  }

  #moved([left, top, right, bottom], byX, byY) {
    const x = Math.min(this.#size[0] - right, Math.max(-left, byX));
    const y = Math.min(this.#size[1] - bottom, Math.max(-top, byY));
    return [left + x, top + y, right + x, bottom + y];
  }

  // Keys ------------------------------------------------------------------------------------------

  #key(event) {
    const at = Number(event.target.dataset.index ?? -1);
    const box = this.#content.fields[at]?.box;
    if (!box || this.#content.kind !== "form" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) {
      const [x, y] = ARROWS[event.key].map((way) => way * STEP_MM);
      const [width, height] = this.#size;
      const resized = [box[0], box[1], Math.min(width, Math.max(box[0] + LEAST_MM, box[2] + x)), Math.min(height, Math.max(box[1] + LEAST_MM, box[3] + y))];
      this.on.change(at, rounded(event.shiftKey ? resized : this.#moved(box, x, y)), true);
    } else if (event.key === "Delete" || event.key === "Backspace") this.on.remove(at);
    else if (event.key === "Enter") this.on.name(at);
    else if (event.key === " ") this.on.select(at);
    else return;
    event.preventDefault();
  }
}

export function numCells(field) {
  if (field.kind === "date") return field.comb === false ? 0 : (field.format ?? "DDMMYYYY").length;
  return field.kind === "comb" || field.kind === "amount" ? field.cells ?? 0 : 0;
}

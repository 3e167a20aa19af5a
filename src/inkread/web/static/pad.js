// The stage: strokes that are drawn on it, or a picture that is shown on it.

const MARGIN = 24; // CSS pixels around the ink that is sent
const LONGEST_PX = 360; // of the picture that is sent
const PEN = 0.036; // of the shorter side, at a mouse's pressure

export class Pad {
  #canvas;
  #stage;
  #strokes = [];
  #stroke = null;
  #picture = null;
  #place = { left: 0, top: 0, scale: 1 }; // of what was sent: its pixels to the stage's
  changes = 0; // of the ink, so far

  // onChange(isFinished) is called while a stroke is drawn, and when it ends.
  constructor(stage, canvas, onChange) {
    this.#stage = stage;
    this.#canvas = canvas;
    this.onChange = onChange;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#end(event));
    canvas.addEventListener("pointercancel", (event) => this.#end(event));
    new ResizeObserver(() => this.#resize()).observe(stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  get isEmpty() {
    return !this.#picture && this.#strokes.length === 0;
  }

  get isPicture() {
    return this.#picture !== null;
  }

  get canUndo() {
    return this.#strokes.length > 0;
  }

  undo() {
    this.changes += 1;
    this.#strokes.pop();
    this.#draw();
  }

  clear() {
    this.changes += 1;
    this.#strokes = [];
    this.#stroke = null;
    this.#picture = null;
    this.#stage.classList.remove("is-picture");
    this.#stage.style.aspectRatio = "";
    this.#draw();
  }

  // Shows a picture in place of the strokes; null if the browser can't decode it.
  show(bitmap, width, height) {
    this.clear();
    this.#picture = { bitmap, width, height };
    this.#stage.classList.add("is-picture");
    this.#stage.style.aspectRatio = String(Math.min(2.4, Math.max(0.75, width / height)));
    this.#resize();
  }

  // The ink as a picture, dark on white, cut to what is drawn: a PNG file, and its place on the stage.
  toPicture() {
    const points = this.#strokes.flatMap((stroke) => stroke.points);
    const xs = points.map((point) => point.x), ys = points.map((point) => point.y);
    const left = Math.min(...xs) - MARGIN, top = Math.min(...ys) - MARGIN;
    const width = Math.max(...xs) + MARGIN - left, height = Math.max(...ys) + MARGIN - top;
    const scale = Math.min(0.5, LONGEST_PX / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(width * scale);
    canvas.height = Math.ceil(height * scale);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
    for (const stroke of this.#strokes) trace(context, stroke, "#000");
    const place = { left, top, scale: 1 / scale };
    // Not toBlob: it waits until the browser has nothing else to do.
    const encoded = atob(canvas.toDataURL("image/png").split(",")[1]);
    const bytes = Uint8Array.from(encoded, (character) => character.charCodeAt(0));
    return { blob: new Blob([bytes], { type: "image/png" }), place };
  }

  // Says where what was read lies on the stage.
  place(place) {
    this.#place = place;
  }

  // A box of the reading in the stage's pixels.
  onStage([left, top, right, bottom]) {
    const place = this.#picture ? this.#fitted() : this.#place;
    return {
      left: left * place.scale + place.left,
      top: top * place.scale + place.top,
      width: (right - left) * place.scale,
      height: (bottom - top) * place.scale,
    };
  }

  #begin(event) {
    if (this.#picture || this.#stroke || event.button !== 0) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    this.#stroke = { id: event.pointerId, width: this.#pen(), points: [this.#point(event)] };
    this.#strokes.push(this.#stroke);
    this.changes += 1;
    this.#draw();
    this.onChange(false);
  }

  #move(event) {
    if (event.pointerId !== this.#stroke?.id) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.#stroke.points.push(this.#point(each));
    this.changes += 1;
    this.#draw();
    this.onChange(false);
  }

  #end(event) {
    if (event.pointerId !== this.#stroke?.id) return;
    this.#stroke = null;
    this.onChange(true);
  }

  #pen() {
    return PEN * Math.min(this.#stage.clientWidth * 0.75, this.#stage.clientHeight);
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const pressure = event.pressure || 0.5; // 0: it can't tell
    return { x: event.clientX - box.left, y: event.clientY - box.top, weight: 0.6 + 0.8 * pressure };
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#stage;
    const before = this.#canvas.width / (this.ratio || 1);
    this.ratio = window.devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * this.ratio);
    this.#canvas.height = Math.round(height * this.ratio);
    if (before && this.#strokes.length && Math.abs(before - width) > 1) this.#rescale(width / before);
    this.#draw();
    this.onResize?.();
  }

  #rescale(factor) {
    for (const stroke of this.#strokes) {
      stroke.width *= factor;
      for (const point of stroke.points) {
        point.x *= factor;
        point.y *= factor;
      }
    }
    const { left, top, scale } = this.#place;
    this.#place = { left: left * factor, top: top * factor, scale: scale * factor };
  }

  #fitted() {
    const { width, height } = this.#picture;
    const { clientWidth, clientHeight } = this.#stage;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    return { left: (clientWidth - width * scale) / 2, top: (clientHeight - height * scale) / 2, scale };
  }

  #draw() {
    const context = this.#canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    if (this.#picture?.bitmap) {
      const { left, top, scale } = this.#fitted();
      const { bitmap, width, height } = this.#picture;
      context.imageSmoothingEnabled = scale < 4;
      context.drawImage(bitmap, left, top, width * scale, height * scale);
    }
    const colour = getComputedStyle(this.#canvas).color;
    for (const stroke of this.#strokes) trace(context, stroke, colour);
  }
}

// Draws a stroke: as wide as the pen was pressed, rounded through the middles of its segments.
function trace(context, { points, width }, colour) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineCap = context.lineJoin = "round";
  const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  if (points.length === 1) {
    const [{ x, y, weight }] = points;
    context.beginPath();
    context.arc(x, y, (width * weight) / 2, 0, 2 * Math.PI);
    context.fill();
  }
  for (let index = 1; index < points.length; index++) {
    const [before, from, to] = [points[index - 2] ?? points[index - 1], points[index - 1], points[index]];
    const start = middle(before, from), end = index === points.length - 1 ? to : middle(from, to);
    context.lineWidth = (width * (from.weight + to.weight)) / 2;
    context.beginPath();
    context.moveTo(start.x, start.y);
    context.quadraticCurveTo(from.x, from.y, end.x, end.y);
    context.stroke();
  }
}

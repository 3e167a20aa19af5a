// The stage: strokes that are drawn on it, or a picture that is shown on it.

import { toPicture, trace } from "./strokes.js";

const PEN = 0.036; // of the stage's shorter side, at a mouse's pressure
const ERASER = 3; // times as wide

export class Pad {
  #canvas;
  #stage;
  #strokes = [];
  #stroke = null;
  #picture = null;
  #place = { left: 0, top: 0, scale: 1 }; // of what was sent: its pixels to the stage's
  #width = 0; // of the stage that the place is on
  erases = false; // what the pointer does
  penWidth = 1; // times the usual one
  changes = 0; // of the ink, so far

  // onStroke() is called before a stroke begins, onChange(isFinished) while it is drawn and when it ends.
  constructor(stage, canvas, { onStroke, onChange, onResize }) {
    this.#stage = stage;
    this.#canvas = canvas;
    this.onStroke = onStroke;
    this.onChange = onChange;
    this.onResize = onResize;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#end(event));
    canvas.addEventListener("pointercancel", (event) => this.#end(event));
    new ResizeObserver(() => this.#resize()).observe(stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  // The strokes; they may be set, but not changed.
  get strokes() {
    return this.#strokes;
  }

  set strokes(strokes) {
    this.changes += 1;
    this.#strokes = strokes;
    this.#stroke = null;
    this.#draw();
  }

  // Shows a picture in place of the strokes, or them again: { bitmap, width, height } or null.
  set picture(picture) {
    this.#picture = picture;
    this.#stroke = null;
    this.#stage.classList.toggle("is-picture", picture !== null);
    this.#stage.style.aspectRatio = picture ? String(Math.min(2.4, Math.max(0.75, picture.width / picture.height))) : "";
    this.#resize();
  }

  toPicture() {
    return toPicture(this.#strokes, this.#stage.clientWidth);
  }

  // Says where what was read lies on the stage.
  place(place) {
    this.#place = place;
    this.#width = this.#stage.clientWidth;
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
    this.onStroke();
    this.#canvas.setPointerCapture(event.pointerId);
    const width = this.#pen() * (this.erases ? ERASER : this.penWidth);
    this.#stroke = { id: event.pointerId, width, points: [this.#point(event)], ...(this.erases && { erases: true }) };
    this.#strokes = [...this.#strokes, this.#stroke];
    this.#change(false);
  }

  #move(event) {
    if (event.pointerId !== this.#stroke?.id) return;
    const events = event.getCoalescedEvents?.() ?? [];
    const points = (events.length ? events : [event]).map((each) => this.#point(each));
    const outside = points.findIndex((point) => !this.#holds(point));
    this.#stroke.points.push(...(outside < 0 ? points : points.slice(0, outside)));
    this.#change(false);
    if (outside >= 0) this.#end(event); // what is written beside the pad is not seen
  }

  #end(event) {
    if (event.pointerId !== this.#stroke?.id) return;
    this.#stroke = null;
    this.onChange(true);
  }

  #change(isFinished) {
    this.changes += 1;
    this.#draw();
    this.onChange(isFinished);
  }

  #pen() {
    const { clientWidth, clientHeight } = this.#stage;
    return (PEN * Math.min(clientWidth * 0.75, clientHeight)) / clientWidth;
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const pressure = event.pressure || 0.5; // 0: it can't tell
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.width, weight: 0.6 + 0.8 * pressure };
  }

  #holds({ x, y }) {
    return x >= 0 && x <= 1 && y >= 0 && y <= this.#stage.clientHeight / this.#stage.clientWidth;
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#stage;
    this.ratio = window.devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * this.ratio);
    this.#canvas.height = Math.round(height * this.ratio);
    if (this.#width && !this.#picture && Math.abs(this.#width - width) > 1) {
      const factor = width / this.#width;
      const { left, top, scale } = this.#place;
      this.place({ left: left * factor, top: top * factor, scale: scale * factor });
    }
    this.#draw();
    this.onResize();
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
    if (this.#picture) {
      const { bitmap, width, height } = this.#picture;
      if (!bitmap) return;
      context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      const { left, top, scale } = this.#fitted();
      context.imageSmoothingEnabled = scale < 4;
      context.drawImage(bitmap, left, top, width * scale, height * scale);
      return;
    }
    const unit = this.#canvas.width;
    context.setTransform(unit, 0, 0, unit, 0, 0);
    const colour = getComputedStyle(this.#canvas).color;
    for (const stroke of this.#strokes) {
      context.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
      trace(context, stroke, colour);
    }
    context.globalCompositeOperation = "source-over";
  }
}

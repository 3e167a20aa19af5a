// Ink: strokes of a pen or an eraser. Lengths are in widths of the stage, so that ink keeps its shape
// when the stage changes its size.

const KEPT = "inkread-drawing";
const MARGIN_PX = 48; // of the picture, around the ink: writing that fills a picture is found less well
const LONGEST_PX = 460; // of the picture that is sent
const USUAL_SCALE = 0.5; // the picture's pixels to the stage's
const LEAST_PX = 56; // small writing is enlarged until it is so high in the picture
const MOST_PX = 80; // large writing is shrunk until it is no higher
const THICKEST = 0.13; // of the writing's height: a pen that is wider closes the holes of small digits

// Draws a stroke: as wide as the pen was pressed, rounded through the middles of its segments.
export function trace(context, { points, width }, colour) {
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

// The ink as a picture, dark on white, cut to what is drawn: a PNG file, and its place on a stage of this width.
export function toPicture(strokes, stageWidth) {
  const ink = strokes.filter((stroke) => !stroke.erases);
  const points = (ink.length ? ink : strokes).flatMap((stroke) => stroke.points);
  const xs = points.map((point) => point.x * stageWidth), ys = points.map((point) => point.y * stageWidth);
  const writing = Math.max(0, ...ink.map(extentOf)) * stageWidth;
  const wanted = Math.min(MOST_PX / Math.max(1, writing), Math.max(USUAL_SCALE, Math.min(4, LEAST_PX / Math.max(1, writing))));
  const extent = Math.max(1, Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
  const scale = Math.min(wanted, (LONGEST_PX - 2 * MARGIN_PX) / extent);
  const margin = MARGIN_PX / scale;
  const left = Math.min(...xs) - margin, top = Math.min(...ys) - margin;
  const width = Math.max(...xs) + margin - left, height = Math.max(...ys) + margin - top;
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale * stageWidth, 0, 0, scale * stageWidth, -left * scale, -top * scale);
  for (const stroke of strokes) {
    if (stroke.erases) trace(context, stroke, "#fff");
    else trace(context, thinned(stroke, writing / stageWidth), "#000");
  }
  // Not toBlob: it waits until the browser has nothing else to do.
  const encoded = atob(canvas.toDataURL("image/png").split(",")[1]);
  const bytes = Uint8Array.from(encoded, (character) => character.charCodeAt(0));
  return { blob: new Blob([bytes], { type: "image/png" }), place: { left, top, scale: 1 / scale } };
}

function extentOf({ points }) {
  const xs = points.map((point) => point.x), ys = points.map((point) => point.y);
  return Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
}

function thinned(stroke, writing) {
  const isDot = writing < stroke.width / 2; // nothing but dots has been drawn
  return isDot ? stroke : { ...stroke, width: Math.min(stroke.width, THICKEST * writing) };
}

// Keeps the strokes in this window, and finds them again.
export function keepInk(strokes) {
  sessionStorage.setItem(KEPT, JSON.stringify(strokes, (_, value) => (typeof value === "number" ? Number(value.toFixed(4)) : value)));
}

export function findInk() {
  try {
    const strokes = JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
    const isPoint = (point) => [point.x, point.y, point.weight].every(Number.isFinite);
    return strokes.every((stroke) => stroke.width > 0 && stroke.points.length && stroke.points.every(isPoint)) ? strokes : [];
  } catch {
    return []; // another version's
  }
}

// What went wrong, in sentences for people: of problem details (RFC 9457), and of files that are too large.

const PICTURES = [ // what the reader says of a file, and what people are told
  [/something else|no bytes/, "This isn't a picture that can be read. PNG, JPEG, TIFF, WebP, GIF, BMP and PDF files are."],
  [/password/, "This PDF is locked with a password. Save it without one first."],
  [/can't be decoded|can't be read: /, "This file is damaged and can't be read."],
  [/animat/, "Animated pictures can't be read. Save one picture of it first."],
  [/CMYK|mode/, "The colours of this picture are for print (CMYK). Save it in RGB or grey first."],
  [/megapixels/, "This picture has too many pixels. Shrink it, or cut out the part with the numbers."],
  [/pages/, "This file has too many pages."],
  [/at least|small/, "This picture is too small to hold a number."],
];
const OPTIONS = {
  length: "“Digits” takes a whole number from 1 to 100.",
  pattern: "“Pattern” isn't a pattern that can be used.",
  check: "“Check digit” is none that is known here.",
  grid: "“Rows × columns” takes two counts such as 9x9.",
  min_confidence: "“Reject below” takes a share from 0 to 1.",
};
const STATUSES = {
  0: "The service can't be reached.",
  401: "The service asks for a token.",
  403: "The service takes requests only from its own page.",
  404: "This isn't there any more.",
  408: "The upload took too long.",
  415: PICTURES[0][1],
  421: "The service isn't known by the name in the address bar.",
  500: "Something went wrong in the service; its log says what.",
  502: "The service can't be reached.",
  503: "The service is busy.",
  504: "This took too long. A smaller picture, or a part of it, may do.",
};

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

// One or two sentences for a problem that the service answered with.
export function inWords(status, { type = "", detail = "", errors = [] } = {}) {
  const kind = type.split(":").pop();
  if (kind === "picture") return PICTURES.find(([pattern]) => pattern.test(detail))?.[1] ?? detail;
  if (kind === "too-large") return tooLarge(detail);
  if (kind === "invalid") return wrongOption(detail, errors);
  if (kind === "store") return "The corrections' database can't be used now.";
  if ([409, 422].includes(status) && detail) return detail;
  return STATUSES[status] ?? (detail || `The service answered ${status}.`);
}

function tooLarge(detail) {
  const limit = /at most ([0-9,]+) bytes/.exec(detail);
  if (limit) return `This file is too large: at most ${megabytes(Number(limit[1].replaceAll(",", "")))} are taken.`;
  return PICTURES.find(([pattern]) => pattern.test("megapixels"))[1];
}

function wrongOption(detail, errors) {
  const names = errors.filter(({ where }) => where?.length === 2).map(({ where }) => where[1]).filter((name) => name in OPTIONS);
  if (names.length) return names.map((name) => OPTIONS[name]).join(" ");
  const said = /pattern|length|check/.exec(detail);
  if (!said || errors.length) return detail || "The constraints can't be used.";
  return `The constraints can't be used: ${detail}`;
}

// What is wrong with the size of a file before it is sent; nothing if all is well.
export function sizeProblem({ name, size }, limits) {
  if (!limits || size <= limits.body_bytes) return "";
  return `“${name}” is too large: ${megabytes(size)}, and at most ${megabytes(limits.body_bytes)} are taken.`;
}

export function pixelsProblem(name, width, height, limits) {
  const megapixels = (width * height) / 1e6;
  if (!limits || megapixels <= limits.megapixels) return "";
  const most = `at most ${limits.megapixels} million are taken`;
  return `“${name}” has ${megapixels.toFixed(0)} million pixels, and ${most}. Shrink it, or cut out the part with the numbers.`;
}

// Whether the same request may succeed a little later.
export const isPassing = (status) => [0, 502, 503].includes(status);

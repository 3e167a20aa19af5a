// Excel files: sheets of text cells, some of them marked as doubtful. A file is a ZIP of XML, stored as it is.

const TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships";
const DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const DOUBTFUL = "FFFFC7CE"; // alpha, red, green, blue
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const LONGEST_TITLE = 31;

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/[^\t\n\r\x20-\uFFFF]/g, "");

function columnOf(index) {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : columnOf(Math.floor(index / 26) - 1) + letter;
}

function sheetOf(rows) {
  const cells = (row, at) => row.map(({ text, isDoubtful }, column) => (text === "" ? "" : `<c r="${columnOf(column)}${at + 1}" t="inlineStr" s="${isDoubtful ? 2 : 1}"><is><t xml:space="preserve">${escaped(text)}</t></is></c>`));
  const lines = rows.map((row, at) => `<row r="${at + 1}">${cells(row, at).join("")}</row>`);
  return `${HEAD}<worksheet xmlns="${NAMESPACE}"><sheetData>${lines.join("")}</sheetData></worksheet>`;
}

// All cells are text (format 49), so that zeros stay in front.
const STYLES = `${HEAD}<styleSheet xmlns="${NAMESPACE}"><fonts count="1"><font/></fonts><fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid"><fgColor rgb="${DOUBTFUL}"/></patternFill></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf numFmtId="49" applyNumberFormat="1"/><xf numFmtId="49" fillId="2" applyNumberFormat="1" applyFill="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;

// Makes a file of sheets: { title, rows }, where rows are lists of { text, isDoubtful }.
export function makeXlsx(sheets) {
  const paths = sheets.map((_, at) => `xl/worksheets/sheet${at + 1}.xml`);
  const relation = (id, type, target) => `<Relationship Id="${id}" Type="${DOCUMENT}/${type}" Target="${target}"/>`;
  const override = (path, type) => `<Override PartName="/${path}" ContentType="${TYPES}.${type}+xml"/>`;
  const titles = titlesOf(sheets);
  const names = titles.map((title, at) => `<sheet name="${escaped(title)}" sheetId="${at + 1}" r:id="r${at + 1}"/>`);
  const files = {
    "[Content_Types].xml": `${HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>${override("xl/workbook.xml", "sheet.main")}${override("xl/styles.xml", "styles")}${paths.map((path) => override(path, "worksheet")).join("")}</Types>`,
    "_rels/.rels": `${HEAD}<Relationships xmlns="${RELATIONS}">${relation("r1", "officeDocument", "xl/workbook.xml")}</Relationships>`,
    "xl/workbook.xml": `${HEAD}<workbook xmlns="${NAMESPACE}" xmlns:r="${DOCUMENT}"><sheets>${names.join("")}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `${HEAD}<Relationships xmlns="${RELATIONS}">${paths.map((path, at) => relation(`r${at + 1}`, "worksheet", path.slice(3))).join("")}${relation("styles", "styles", "styles.xml")}</Relationships>`,
    "xl/styles.xml": STYLES,
  };
  sheets.forEach(({ rows }, at) => { files[paths[at]] = sheetOf(rows); });
  return new Blob([zipOf(files)], { type: `${TYPES}.sheet` });
}

// Titles as Excel takes them, each once.
function titlesOf(sheets) {
  const titles = [];
  for (const { title } of sheets) {
    const clean = title.replace(/[\\/?*[\]:']/g, "_").slice(0, LONGEST_TITLE) || "Table";
    let number = 1, free = clean;
    while (titles.some((each) => each.toLowerCase() === free.toLowerCase())) {
      number += 1;
      free = `${clean.slice(0, LONGEST_TITLE - 4)} ${number}`;
    }
    titles.push(free);
  }
  return titles;
}

const CHECKS = Array.from({ length: 256 }, (_, byte) => {
  let check = byte;
  for (let bit = 0; bit < 8; bit++) check = check & 1 ? 0xedb88320 ^ (check >>> 1) : check >>> 1;
  return check >>> 0;
});
const checkOf = (bytes) => (bytes.reduce((check, byte) => CHECKS[(check ^ byte) & 255] ^ (check >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;

// Little-endian numbers: [value, bytes], ….
const packed = (...numbers) => Uint8Array.from(numbers.flatMap(([value, count]) => Array.from({ length: count }, (_, at) => (value >>> (8 * at)) & 255)));

function zipOf(files) {
  const parts = [], listed = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const path = new TextEncoder().encode(name), bytes = new TextEncoder().encode(text);
    const FIRST_OF_1980 = 0x21; // a date is needed, but none is meant
    const shared = [[20, 2], [0x800, 2], [0, 2], [0, 2], [FIRST_OF_1980, 2], [checkOf(bytes), 4], [bytes.length, 4], [bytes.length, 4], [path.length, 2], [0, 2]];
    const head = packed([0x04034b50, 4], ...shared);
    parts.push(head, path, bytes);
    listed.push(packed([0x02014b50, 4], [20, 2], ...shared, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), path);
    offset += head.length + path.length + bytes.length;
  }
  const size = listed.reduce((sum, each) => sum + each.length, 0);
  const count = Object.keys(files).length;
  const end = packed([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]);
  const all = [...parts, ...listed, end];
  const whole = new Uint8Array(all.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of all) {
    whole.set(each, at);
    at += each.length;
  }
  return whole;
}

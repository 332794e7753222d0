/* Folders as zip files: made of their files where they lie, not compressed, so that nothing is held in memory. */
"use strict";
const LARGEST_ZIP = 2 ** 32 - 2 ** 24;
const MOST_MEMBERS = 65_000;

/* Return the files of a dropped folder as [path, file], with the folder's own name before each path. */
async function listFolder(entry, path = entry.name) {
  if (entry.isFile) return [[path, await new Promise((done, fail) => entry.file(done, fail))]];
  const reader = entry.createReader();
  const found = [];
  // A browser tells a folder's entries in parts, the last of which is empty.
  for (;;) {
    const part = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!part.length) break;
    for (const one of part) found.push(...(await listFolder(one, `${path}/${one.name}`)));
  }
  return found;
}

/* Return whether files are too large or too many for the plain zip format. */
function isTooLarge(members) {
  return members.length > MOST_MEMBERS || members.reduce((sum, [path, file]) => sum + file.size + 2 * path.length + 400, 0) > LARGEST_ZIP;
}

/* Return a zip file of members, each a path, a file and its CRC-32; the same files give the same bytes. */
function packFiles(name, members) {
  const parts = [];
  const listed = [];
  let offset = 0;
  for (const [path, file, crc] of [...members].sort(([one], [other]) => (one < other ? -1 : 1))) {
    // macOS takes letters apart; the lab's names are whole.
    const bytes = new TextEncoder().encode(path.normalize("NFC"));
    const shared = [20, 0x0800, 0, ...dosTime(file.lastModified)];
    const sizes = [crc, file.size, file.size];
    parts.push(record(0x04034b50, shared, sizes, [bytes.length, 0]), bytes, file);
    listed.push(record(0x02014b50, [20, ...shared], sizes, [bytes.length, 0, 0, 0, 0], [0, offset]), bytes);
    offset += 30 + bytes.length + file.size;
  }
  const size = listed.reduce((sum, part) => sum + part.length, 0);
  const end = record(0x06054b50, [0, 0, members.length, members.length], [size, offset], [0]);
  return new File([...parts, ...listed, end], name);
}

/* Return a record of a signature and groups of numbers: of four bytes, then two, four, two, four. */
function record(signature, ...groups) {
  const all = [[signature], ...groups].flatMap((group, at) => group.map((number) => [number, at % 2 ? 2 : 4]));
  const view = new DataView(new ArrayBuffer(all.reduce((sum, [, width]) => sum + width, 0)));
  let at = 0;
  for (const [number, width] of all) {
    if (width === 2) view.setUint16(at, number, true);
    else view.setUint32(at, number, true);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

function dosTime(milliseconds) {
  const date = new Date(milliseconds);
  const year = Math.min(Math.max(date.getFullYear() - 1980, 0), 127);
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  return [time, (year << 9) | ((date.getMonth() + 1) << 5) | date.getDate()];
}

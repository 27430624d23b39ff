// The papers of an imagined hospital refurbishment, for the scripted backend: their text, their structure, and a drawing of
// each page good enough to look at.
import type { BlockView, BoxView, Kind, Label, Picture } from '../bindings';

export interface Paper {
  id: number;
  title: string;
  name: string;
  kind: Kind;
  label: Label;
  version: number;
  version_name: string;
  pages: number;
  size_bytes: number;
  passages: number;
  /** The page that has text here; other pages are filler. */
  page: number;
  place: string;
  lines: Line[];
}

/** One block: `h` heading, `p` paragraph, `n` numbered clause, `r` table row, `c` caption. Cells are parted by a bar. */
export interface Line {
  is: 'h' | 'p' | 'n' | 'r' | 'hr' | 'c' | 'top';
  text: string;
}

const fire: Line[] = [
  { is: 'top', text: 'Lindgate Hospital · Level 3 Ward Refurbishment | Fire Strategy Report · Revision C' },
  { is: 'h', text: '4.3 Bed-evacuation routes' },
  {
    is: 'n',
    text: '4.3.1 | Level 3 relies on progressive horizontal evacuation. Patients who cannot walk are moved on their beds from the sub-compartment of fire origin into the adjoining one, and from there, if necessary, to the evacuation lift lobby at gridline F12.',
  },
  {
    is: 'n',
    text: '4.3.2 | The routes that serve this purpose are the north ward corridor, the south ward corridor and the link between them at gridline F. They are shown in magenta on drawing FS-L3-02.',
  },
  {
    is: 'n',
    text: '4.3.3 | Corridors forming part of a bed-evacuation route shall keep a clear width of not less than 2,150 mm, measured between handrails, along their whole length. Local reductions at doorsets are permitted as set out in Table 4.2.',
  },
  {
    is: 'n',
    text: '4.3.4 | No equipment, seating or storage shall be placed so as to reduce this width, whether in use or parked. Recesses for mobile equipment are to be provided at not more than 18 m centres.',
  },
  { is: 'c', text: 'Table 4.2 Minimum clear widths on bed-evacuation routes' },
  { is: 'hr', text: 'Element | Minimum clear width | Measured' },
  { is: 'r', text: 'Corridor | 2,150 mm | Between handrails' },
  { is: 'r', text: 'Cross-corridor doorset | 1,500 mm | Clear opening, both leaves at 90°' },
  { is: 'r', text: 'Bedroom doorset | 1,350 mm | Clear opening, leaf-and-a-half' },
  { is: 'r', text: 'Evacuation lift lobby | 3,000 mm | Between finished walls' },
  { is: 'h', text: 'Departures' },
  {
    is: 'n',
    text: '4.3.5 | Where the geometry of the existing frame prevents compliance, a departure may be proposed in the form given in Appendix D. Each departure is to be assessed against the time needed to move the largest bed in use on the ward.',
  },
  { is: 'n', text: '4.3.6 | At the date of this revision no departures have been agreed for Level 3.' },
];

const fire13: Line[] = [
  { is: 'top', text: 'Lindgate Hospital · Level 3 Ward Refurbishment | Fire Strategy Report · Revision C' },
  { is: 'h', text: '4.2 Compartments and routes' },
  { is: 'p', text: 'The ward floor is divided into four sub-compartments, each of not more than 24 beds.' },
  { is: 'p', text: 'The north ward corridor is a bed-evacuation route and serves rooms 3.01 to 3.18.' },
  { is: 'p', text: 'The south ward corridor serves rooms 3.19 to 3.36 and the staff base.' },
];

const plan: Line[] = [
  { is: 'h', text: 'A-103 Level 3 Ward, General Arrangement' },
  { is: 'p', text: 'Note 3. Setting-out dimensions are to the face of finished walls unless noted.' },
  { is: 'p', text: 'Note 4. Column casings F7–F9 increased to house new medical gas risers.' },
  { is: 'p', text: 'North ward corridor, gridlines F7 to F9: 2,050 clear between handrails.' },
  { is: 'p', text: 'North ward corridor, elsewhere: 2,180 clear between handrails.' },
];

const doors: Line[] = [
  { is: 'hr', text: 'Door | Location | Clear opening | Rating | Hardware' },
  { is: 'r', text: 'D3-12 | Staff base | 1,000 | FD30S | Set 4' },
  { is: 'r', text: 'D3-13 | Store 3.40 | 900 | FD30S | Set 2' },
  { is: 'r', text: 'D3-14 | North corridor, F8 | 1,520 | FD60S | Set 9, hold-open' },
  { is: 'r', text: 'D3-15 | Bedroom 3.07 | 1,350 | FD30S | Set 7' },
  { is: 'r', text: 'D3-16 | Bedroom 3.08 | 1,350 | FD30S | Set 7' },
];

const rooms: Line[] = [
  { is: 'h', text: 'Room data sheet 3.42: staff base' },
  { is: 'p', text: 'Staff base 3.42: three positions, one at wheelchair height.' },
  { is: 'p', text: 'Each position has two data outlets and a nurse-call repeater.' },
];

const brief: Line[] = [
  { is: 'h', text: 'Accommodation' },
  { is: 'p', text: 'Twenty-four beds, of which at least half are in single rooms with their own shower and WC.' },
  { is: 'p', text: 'Family overnight stay is to be possible in every single room.' },
];

const mail: Line[] = [
  { is: 'p', text: 'From: R. Okafor, Infection prevention' },
  { is: 'p', text: 'Handrails are to have a continuous homogeneous finish with no open joints, and must withstand chlorine at 1,000 ppm.' },
  { is: 'p', text: 'Please confirm the cleaning regime before the samples are ordered.' },
];

export const PAPERS: Paper[] = [
  { id: 1, title: 'Fire Strategy Report', name: 'Fire Strategy Report Rev C.pdf', kind: 'pdf', label: 'confidential', version: 101, version_name: 'version 3', pages: 62, size_bytes: 8_400_000, passages: 1204, page: 13, place: 'page 14', lines: fire },
  { id: 2, title: 'A-103 Level 3 Ward, GA Plan', name: 'A-103_P6.pdf', kind: 'pdf', label: 'internal', version: 102, version_name: 'version 6', pages: 1, size_bytes: 3_100_000, passages: 214, page: 0, place: 'page 1', lines: plan },
  { id: 3, title: 'DS-01 Door Schedule', name: 'DS-01 Door Schedule.xlsx', kind: 'xlsx', label: 'internal', version: 103, version_name: '', pages: 3, size_bytes: 412_000, passages: 412, page: 0, place: 'sheet Level 3, row 4', lines: doors },
  { id: 4, title: 'Room Data Sheets, Level 3', name: 'Room Data Sheets L3.pdf', kind: 'pdf', label: 'internal', version: 104, version_name: '', pages: 148, size_bytes: 22_000_000, passages: 1870, page: 43, place: 'page 44', lines: rooms },
  { id: 5, title: 'Client Brief', name: 'Client Brief Issue 4.docx', kind: 'docx', label: 'confidential', version: 105, version_name: 'version 4', pages: 1, size_bytes: 960_000, passages: 133, page: 0, place: 'section 2.1', lines: brief },
  { id: 6, title: 'Infection Control Comments, round 2', name: 'IPC round 2.eml', kind: 'email', label: 'restricted', version: 106, version_name: '', pages: 1, size_bytes: 1_200_000, passages: 9, page: 0, place: 'line 2', lines: mail },
];

/** The text of a page and its blocks, as the reader would have cut them. */
export function textOf(paper: Paper, page: number): { text: string; blocks: BlockView[] } {
  const lines = page === paper.page ? paper.lines : paper.id === 1 && page === 12 ? fire13 : filler(paper, page);
  let text = '';
  const blocks: BlockView[] = [];
  let row = 0;
  for (const line of lines) {
    if (text) text += '\n';
    const start = text.length;
    text += line.is === 'n' ? line.text.replace(' | ', ' ') : line.text.replaceAll(' | ', '\t');
    const kind = line.is === 'h' ? 'heading' : line.is === 'hr' ? 'header_row' : line.is === 'r' ? 'row' : line.is === 'top' ? 'furniture' : line.is === 'c' ? 'note' : 'paragraph';
    if (line.is === 'r' || line.is === 'hr') row += 1;
    blocks.push({ kind, start, end: text.length, level: line.is === 'h' ? 2 : 0, cell: paper.kind === 'xlsx' && (line.is === 'r' || line.is === 'hr') ? `A${row}` : null });
  }
  return { text, blocks };
}

function filler(paper: Paper, page: number): Line[] {
  return [
    { is: 'top', text: `${paper.title} | page ${page + 1}` },
    { is: 'h', text: `Section ${page + 1}` },
    ...['The works are to be carried out in the sequence shown on the phasing drawings.', 'Access for patients and staff is to be kept at all times.', 'Noise above 60 dB is to be agreed a week ahead with the ward manager.'].map((text) => ({ is: 'p' as const, text })),
  ];
}

/** Where a sentence of a page stands. */
export function find(paper: Paper, page: number, words: string): { version: number; page: number; start: number; end: number } {
  const at = textOf(paper, page).text.indexOf(words);
  if (at < 0) throw new Error(`"${words}" does not stand on page ${page} of ${paper.title}`);
  return { version: paper.version, page, start: at, end: at + words.length };
}

/** Draws a page and says where each stretch of text stands on it. Without a canvas there is no picture. */
export function draw(paper: Paper, page: number, width: number, spans: [number, number][]): { picture: Picture | null; boxes: BoxView[][] } {
  const canvas = typeof document === 'undefined' ? null : document.createElement('canvas');
  const wide = paper.id === 2;
  const height = Math.round(width * (wide ? 0.707 : 1.414));
  const context = canvas?.getContext?.('2d') ?? null;
  if (!canvas || !context) return { picture: null, boxes: spans.map(() => []) };
  canvas.width = width;
  canvas.height = height;
  const unit = width / (wide ? 1100 : 580);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  const { text, blocks } = textOf(paper, page);
  const boxes: BoxView[][] = spans.map(() => []);
  const margin = 60 * unit;
  let y = 62 * unit;
  for (const block of blocks) {
    const words = text.slice(block.start, block.end);
    const heading = block.kind === 'heading';
    const furniture = block.kind === 'furniture';
    const table = block.kind === 'row' || block.kind === 'header_row';
    const size = (heading ? 15 : furniture || block.kind === 'note' ? 8.5 : table ? 9.5 : 11.5) * unit;
    context.font = `${heading || block.kind === 'header_row' ? 600 : 400} ${size}px ${heading || table || furniture ? 'Schibsted Grotesk Variable, sans-serif' : 'Literata Variable, serif'}`;
    context.fillStyle = furniture ? '#6b635a' : '#23201c';
    context.textBaseline = 'alphabetic';
    const lead = size * (table ? 2.3 : 1.62);
    if (heading) y += 12 * unit;
    if (table) {
      const cells = words.split('\t');
      const columns = cells.length;
      const cellWidth = (width - margin * 2) / columns;
      if (block.kind === 'header_row') {
        context.fillStyle = '#f1f0ed';
        context.fillRect(margin, y - lead * 0.7, width - margin * 2, lead);
        context.fillStyle = '#23201c';
      }
      context.strokeStyle = '#d9d4cc';
      context.strokeRect(margin, y - lead * 0.7, width - margin * 2, lead);
      cells.forEach((cell, at) => context.fillText(cell, margin + at * cellWidth + 6 * unit, y, cellWidth - 8 * unit));
      spans.forEach(([start, end], at) => {
        if (start < block.end && end > block.start) boxes[at]?.push({ x: margin / width, y: (y - lead * 0.7) / height, width: 1 - (margin * 2) / width, height: lead / height });
      });
      y += lead;
      continue;
    }
    if (furniture) {
      const [a = '', b = ''] = words.split('\t');
      context.fillText(a, margin, y);
      context.fillText(b, width - margin - context.measureText(b).width, y);
      y += 14 * unit;
      context.fillStyle = '#b9b1a5';
      context.fillRect(margin, y, width - margin * 2, Math.max(1, unit));
      y += 40 * unit;
      continue;
    }
    const clause = /^\d\.\d\.\d /.exec(words);
    const indent = clause ? 40 * unit : 0;
    let at = block.start;
    if (clause) {
      context.fillStyle = '#6b635a';
      context.fillText(clause[0], margin, y);
      context.fillStyle = '#23201c';
      at += clause[0].length;
    }
    let line = '';
    let lineStart = at;
    const flush = () => {
      context.fillText(line, margin + indent, y);
      spans.forEach(([start, end], index) => {
        const from = Math.max(start, lineStart);
        const to = Math.min(end, lineStart + line.length);
        if (from < to) {
          const x = margin + indent + context.measureText(line.slice(0, from - lineStart)).width;
          const w = context.measureText(line.slice(from - lineStart, to - lineStart)).width;
          boxes[index]?.push({ x: x / width, y: (y - size * 1.12) / height, width: w / width, height: (size * 1.58) / height });
        }
      });
      y += lead;
    };
    for (const word of text.slice(at, block.end).split(/(?<= )/)) {
      if (context.measureText(line + word.trimEnd()).width > width - margin * 2 - indent && line) {
        flush();
        lineStart += line.length;
        line = '';
      }
      line += word;
    }
    if (line) flush();
    y += (heading ? 10 : 9) * unit;
  }
  if (wide) {
    context.strokeStyle = '#55504a';
    context.lineWidth = Math.max(1, 2 * unit);
    context.strokeRect(margin, y + 20 * unit, width - margin * 2, height - y - 70 * unit);
    for (let room = 1; room < 9; room++) {
      const x = margin + ((width - margin * 2) / 9) * room;
      context.beginPath();
      context.moveTo(x, y + 20 * unit);
      context.lineTo(x, y + 130 * unit);
      context.moveTo(x, height - 170 * unit);
      context.lineTo(x, height - 50 * unit);
      context.stroke();
    }
  }
  const url = canvas.toDataURL('image/png');
  return { picture: { base64: url.slice(url.indexOf(',') + 1), width_px: width, height_px: height }, boxes };
}

// A scene of what people really name things: very long, in other scripts, without a place to break. Only names change; texts
// and the places in them stay.

const LONG = 'Minutes of the combined design, procurement and infection-control coordination meeting for the Level 3 ward refurbishment, issued for comment';
const NAMES = [
  LONG,
  'فاصل الحريق وعرض الممرات في الطابق الثالث — تقرير استراتيجية السلامة من الحريق (الإصدار ج).pdf',
  '三層病房翻新工程消防策略報告書及走廊淨闊度要求總結（第三版，供施工用，已由消防處批核）',
  'Feuerwiderstandsklassenbestätigungsverfahrensdokumentationszusammenfassung_2026_endgültig_korrigiert_v17_FREIGEGEBEN.docx',
  'דו״ח אסטרטגיית אש, מהדורה ג — A-103 Level 3 Ward, GA Plan',
  'a/b\\c:very_long_name_without_any_place_to_break_0123456789_0123456789_0123456789_0123456789.tar.gz.partial',
];
const HOST = 'objects-in-eu-central-1.a-rather-long-subdomain-of-a-content-network.example';
const NAMED = new Set(['title', 'name', 'question', 'version_name', 'author', 'created', 'origin', 'path', 'assigned', 'answered_by', 'sentence', 'note', 'model', 'space', 'watched']);

/** The same reply with names as they come; Hearth's own words stay. */
export function wild<T>(value: T, at = { next: 0 }): T {
  if (Array.isArray(value)) return value.map((one) => wild(one, at)) as T;
  if (value === null || typeof value !== 'object') return value;
  const found = Object.entries(value).map(([key, held]) => {
    if (key === 'stations' || key === 'rules' || key === 'modes' || key === 'guards') return [key, held];
    if (key === 'host' && typeof held === 'string') return [key, HOST];
    if (NAMED.has(key) && typeof held === 'string' && held !== '') return [key, `${NAMES[at.next % NAMES.length]} ${at.next++}`];
    return [key, wild(held, at)];
  });
  return Object.fromEntries(found) as T;
}

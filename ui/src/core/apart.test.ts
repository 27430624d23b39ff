// What apart promises.
import { expect, it } from 'vitest';
import { apart, type Titled } from './apart';

const check = (things: [key: number, title: string, ...tells: string[]][], expected: [number, string][]) =>
  expect([...apart(things.map(([key, title, ...tells]): Titled => ({ key, title, tells })))]).toEqual(expected);

it('says nothing of titles that stand alone', () => {
  check([[1, 'Brief', 'a.pdf'], [2, 'Report', 'b.pdf']], []);
});

it('says the file name of each that shares its title, however it is written', () => {
  check([[1, 'Brief', 'a.pdf'], [2, 'Report', 'b.pdf'], [3, ' brief ', 'c.pdf']], [[1, 'a.pdf'], [3, 'c.pdf']]);
});

it('takes several rows of one document for one', () => {
  check([[1, 'Brief', 'a.pdf'], [1, 'Brief', 'a.pdf']], []);
});

it('says what else differs where the file name does not, and no more than that', () => {
  check([[1, 'Brief', 'a.pdf', 'Survey', '2 MB'], [2, 'Brief', 'a.pdf', 'Drawings', '3 MB']], [[1, 'Survey'], [2, 'Drawings']]);
  check([[1, 'Brief', 'a.pdf', '', '2 MB'], [2, 'Brief', 'a.pdf', '', '3 MB']], [[1, '2 MB'], [2, '3 MB']]);
});

it('adds to a name that some of the others have', () => {
  check(
    [[1, 'Brief', 'a.pdf', '2 MB'], [2, 'Brief', 'a.pdf', '3 MB'], [3, 'Brief', 'b.pdf', '2 MB']],
    [[1, 'a.pdf, 2 MB'], [2, 'a.pdf, 3 MB'], [3, 'b.pdf']],
  );
});

it('says nothing where nothing differs', () => {
  check([[1, 'Brief', 'a.pdf'], [2, 'Brief', 'a.pdf']], []);
});

// What is said of a vault that cannot be opened: what it is, and what is safe. Pure.
import type { Error as DoorFailure } from '../../core/bindings';

/** The heading and what is safe, for the reason that the door gives. */
export function reasons(error: Pick<DoorFailure, 'code'>): { title: string; safe: string } {
  switch (error.code) {
    case 'newer_file':
      return { title: 'Made by a newer Hearth', safe: 'The vault is whole and stays as it is. A Hearth of that version opens it.' };
    case 'in_use':
      return { title: 'Open in another Hearth', safe: 'The vault is whole. Close the other one, or go on working there.' };
    case 'damaged':
      return { title: 'The vault is damaged', safe: 'Nothing is written to it any more. Copy the folder before trying anything else; a backup of it can be put in its place.' };
    case 'disk_full':
      return { title: 'The disk is full', safe: 'The vault is whole. Free some space, then look again.' };
    case 'not_found':
      return { title: 'The vault is not there', safe: 'If its folder was moved or lies on a drive, bring it back, then look again.' };
    default:
      return { title: 'The vault cannot be opened', safe: 'Nothing is written to it while it stays closed.' };
  }
}

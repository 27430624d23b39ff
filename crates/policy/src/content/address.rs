//! Where people live and work: streets with numbers in the orders that languages have, boxes of the post, and the town,
//! code and country that follow.

use super::{Found, Kind, before, pattern};
use std::sync::LazyLock;

static STREETS: LazyLock<[regex::Regex; 6]> = LazyLock::new(|| {
    let word = r"(?:\p{Lu}[\p{L}\p{M}'’.\-]*|\d{1,3}(?:st|nd|rd|th))";
    let small =
        r"(?:de|del|della|dei|di|da|do|dos|das|du|des|la|le|las|los|van|von|der|den|het|ter|op|y|e|of|the|l'|l’|d'|d’)";
    let number = r"\d{1,5} ?(?:[A-Za-z]\b|bis\b|ter\b)?(?: ?[\-/] ?\d{1,4}[A-Za-z]?)?";
    [
        // 12 Baker Street
        pattern(&format!(
            r"\b{number} (?:\d{{1,5}} )?(?:{word} )+(?:Street|St|Road|Rd|Avenue|Ave|Av|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|Terrace|Way|Close|Crescent|Cres|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Alley|Row|Gardens|Mews|Hill|Quay|Walk|Loop|Trail|Turnpike|Pike|Esplanade|Parade)\b\.?"
        )),
        // Villacher Straße 89, Holmatun 45, Dunajska ulica 56
        pattern(&format!(
            r"(?:\b\d{{1,5}} )?\b(?:{word} )*\p{{Lu}}?[\p{{L}}\-]*(?i:straße|strasse|str\.|gasse|platz|allee|damm|ufer|steig|gatan|gata|vägen|väg|vegen|veien|vei|vej|gade|alle|allé|tie|katu|kuja|polku|straat|laan|plein|kade|weg|gracht|dreef|singel|utca|útja|körút|tér|ulica|ulice|náměstí|třída|cesta|trg|gatvė|iela|tänav|maantee|puiestee|stræti|götu|braut|tún|vegur|ulitsa|prospekt) {number}"
        )),
        // Via Garibaldi 12, Calle Mayor, 5, ul. Długa 7
        pattern(&format!(
            r"(?:\b\d{{1,5}} )?\b(?:Via|Viale|Piazza|Corso|Vicolo|Largo|Calle|C/|Avenida|Avda\.?|Paseo|Plaza|Camino|Carrera|Rua|Travessa|Praça|Alameda|Estrada|Strada|Bulevardul|Calea|ul\.|Ul\.|Ulica|al\.|os\.|pl\.|Rue|Avenue|Boulevard|Chemin|Odos|Οδός|улица|ул\.|проспект)\s(?:{small} ?|{word},? )+(?:n[.º°]? ?)?{number}"
        )),
        // 12 rue de la Paix
        pattern(&format!(
            r"\b{number},? (?i:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours|square|faubourg) (?:{small} ?|{word} ?)+"
        )),
        // boxes, and ships of the post of armies
        pattern(
            r"\b(?:P\.? ?O\.? ?Box \d{1,6}|(?:PSC|Unit|CMR) \d{1,5},? Box \d{1,5}|(?:Postfach|Casella postale|Apartado(?: de correos)?|Boîte postale|BP) \d{1,6}(?: \d{1,3})*)",
        ),
        pattern(r"\b(?:US[A-Z]{1,3} \p{Lu}\p{L}+[\s,]+)?(?:APO|FPO|DPO)[ ,]+A[AEP] \d{5}"),
    ]
});
/// What may follow a street: parts of the house, town, code, state, country.
/// Any words with a number: a street where the words before it say so, or a part of the house or a code follows.
static PERHAPS: LazyLock<regex::Regex> =
    LazyLock::new(|| pattern(r"(?:\b\d{1,5} )?\b(?:\p{Lu}[\p{L}\p{M}'’.\-]* )+(?:u\. )?\d{1,5}[A-Za-z]?\b"));
static CUE: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\b(?:address(?:es)?(?: is| are)?|lives? at|living at|resid(?:es|ing) at|located (?:at|on)|station is on|offices? (?:is|are) (?:at|on)|(?:taxi|send it|sent|deliver(?:ed)?|ship(?:ped)?|mail(?:ed)?|moved?) to|meet (?:me|us) at|wohnt in|wohnhaft|anschrift|adresse|habite(?: au)?|vive en|dirección|abita in|indirizzo)\b[\s:,]*)$",
    )
});
/// A code of the post by its name.
static CODE: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:zip(?: code)?|postal code|post ?code|plz|postleitzahl|code postal|código postal|cap)\s*(?:is|:)\s*([A-Z]{0,2}-?\d[0-9A-Z\-]{2,6}(?: ?[0-9A-Z]{2,3}\b)?)",
    )
});
static INSIDE: LazyLock<regex::Regex> = LazyLock::new(|| pattern(&format!(r"^\.?{GAP}(?:{INSIDE_WORDS})")));
const GAP: &str = r"(?:[ \t]*[,\n][\s>?|]*|[ \t]+)";
const INSIDE_WORDS: &str =
    r"(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Flat|Room|Rm|Building|Bldg|Stiege|#)\.? ?[\p{L}\d\-]+";
static FOLLOWS: LazyLock<regex::Regex> = LazyLock::new(|| {
    let (gap, inside) = (GAP, INSIDE_WORDS);
    let code = r"(?:[A-Z]{1,2}[\- ])?(?:\d{4,6}(?:-\d{3,4})?|\d{3} \d{2}|\d{4} [A-Z]{2}|\d{2}-\d{3}|[A-Z]\d[A-Z] ?\d[A-Z]\d|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|(?:APO|FPO|DPO) A[AEP] \d{5})";
    let town = r"\p{Lu}[\p{L}\p{M}'’.\-]*(?: (?:\p{Ll}+ )?\(?\p{Lu}[\p{L}\p{M}'’.\-]*\)?)*";
    // Towns count where a code stands among what follows: before the town or behind it.
    pattern(&format!(
        r"^\.?(?:{gap}{inside})?(?:{gap}{code}(?:{gap}{town})?|(?:{gap}{town})+{gap}{code}(?:{gap}{town})?)?"
    ))
});

pub(super) fn find(text: &str, into: &mut Vec<Found>) {
    super::add_matches(text, &CODE, 1, Kind::Address, into);
    let mut add = |start: usize, end: usize, more: usize| {
        let whole = text.get(start..end + more).unwrap_or_default();
        let end = start + whole.trim_end_matches([' ', ',', '.', '\n', '\t']).len();
        into.push(Found { kind: Kind::Address, start: with_part(text, start), end });
    };
    let follows = |end: usize| FOLLOWS.find(text.get(end..).unwrap_or_default()).map_or(0, |follows| follows.end());
    for street in STREETS.iter() {
        street.find_iter(text).for_each(|found| add(found.start(), found.end(), follows(found.end())));
    }
    for found in PERHAPS.find_iter(text) {
        let (rest, more) = (text.get(found.end()..).unwrap_or_default(), follows(found.end()));
        if CUE.is_match(before(text, found.start(), 32))
            || INSIDE.is_match(rest)
            || more > 0 && rest.starts_with([',', '\n'])
        {
            add(found.start(), found.end(), more);
        }
    }
}

/// Where an address begins whose part of the house stands before the street: "Suite 541 6343 Skogstien 106".
fn with_part(text: &str, start: usize) -> usize {
    static PART: LazyLock<regex::Regex> = LazyLock::new(|| pattern(&format!(r"\b{INSIDE_WORDS}[ ,]+$")));
    let left = before(text, start, 24);
    PART.find(left).map_or(start, |part| start - (left.len() - part.start()))
}

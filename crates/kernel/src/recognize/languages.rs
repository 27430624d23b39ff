//! Which of the installed languages a page is read in. More of them is slower and, beyond a few, worse.

/// Languages that a page is read in at a time.
const MOST: usize = 3;

/// Data that is no language.
const NONE: [&str; 3] = ["osd", "equ", "snum"];

/// Scripts, as tesseract names them when it detects one, with the languages that are written in them. Everything else is
/// taken for Latin.
const SCRIPTS: [(&str, &[&str]); 14] = [
    ("Cyrillic", &["rus", "ukr", "bel", "bul", "srp", "mkd", "kaz", "kir", "mon", "tgk", "tat", "uzb_cyrl"]),
    ("Greek", &["ell", "grc"]),
    ("Arabic", &["ara", "fas", "urd", "pus", "uig", "snd", "kur_ara"]),
    ("Hebrew", &["heb", "yid"]),
    ("Han", &["chi_sim", "chi_tra", "chi_sim_vert", "chi_tra_vert", "jpn", "jpn_vert"]),
    ("Japanese", &["jpn", "jpn_vert"]),
    ("Korean", &["kor", "kor_vert"]),
    ("Devanagari", &["hin", "mar", "nep", "san"]),
    ("Bengali", &["ben", "asm"]),
    ("Thai", &["tha"]),
    ("Tamil", &["tam"]),
    ("Telugu", &["tel"]),
    ("Georgian", &["kat", "kat_old"]),
    ("Armenian", &["hye"]),
];

/// Languages by the names that files and systems give them.
const NAMES: [(&str, &str); 24] = [
    ("en", "eng"),
    ("de", "deu"),
    ("fr", "fra"),
    ("es", "spa"),
    ("it", "ita"),
    ("pt", "por"),
    ("nl", "nld"),
    ("sv", "swe"),
    ("da", "dan"),
    ("nb", "nor"),
    ("no", "nor"),
    ("fi", "fin"),
    ("pl", "pol"),
    ("cs", "ces"),
    ("hu", "hun"),
    ("ro", "ron"),
    ("tr", "tur"),
    ("ru", "rus"),
    ("uk", "ukr"),
    ("el", "ell"),
    ("ar", "ara"),
    ("he", "heb"),
    ("ja", "jpn"),
    ("ko", "kor"),
];

/// The languages among what is installed.
pub(super) fn of_installed(all: &[String]) -> Vec<String> {
    all.iter().filter(|name| !NONE.contains(&name.as_str()) && !name.contains('/')).cloned().collect()
}

fn script(language: &str) -> &'static str {
    SCRIPTS.iter().find(|(_, languages)| languages.contains(&language)).map_or("Latin", |(script, _)| script)
}

/// Whether a script has to be detected before languages can be chosen.
pub(super) fn are_of_several_scripts(languages: &[String]) -> bool {
    let mut scripts = languages.iter().map(|language| script(language));
    scripts.next().is_some_and(|first| scripts.any(|other| other != first))
}

/// The languages to read a page in, best first: those of the script that was detected (all, where none was), the document's
/// own language before the system's before English before the rest; where the script is not Latin, one that is comes last,
/// because names and numbers are written in it everywhere.
pub(super) fn choose(
    installed: &[String],
    detected: Option<&str>,
    document: Option<&str>,
    system: Option<&str>,
) -> Vec<String> {
    let short = |tag: &str| tag.split(['-', '_', '.']).next().unwrap_or_default().to_lowercase();
    let long = |tag: &str| {
        let short = short(tag);
        NAMES.iter().find(|(two, three)| *two == short || *three == short).map(|(_, three)| *three)
    };
    let (document, system) = (document.and_then(long), system.and_then(long));
    let written = |language: &str, detected: &str| {
        script(language) == detected
            || SCRIPTS.iter().any(|(name, languages)| *name == detected && languages.contains(&language))
    };
    let mut chosen: Vec<&String> =
        installed.iter().filter(|language| detected.is_none_or(|detected| written(language, detected))).collect();
    if chosen.is_empty() {
        chosen = installed.iter().collect();
    }
    chosen.sort_by_key(|language| {
        let is = |wanted: Option<&str>| wanted == Some(language.as_str());
        // Lines that run downwards are a matter of their own.
        (language.ends_with("_vert"), !is(document), !is(system), language.as_str() != "eng")
    });
    chosen.truncate(MOST);
    let no_latin = chosen.iter().all(|language| script(language) != "Latin");
    let latin = installed.iter().filter(|language| script(language) == "Latin");
    if let Some(latin) = latin.min_by_key(|language| language.as_str() != "eng").filter(|_| no_latin) {
        chosen.truncate(MOST - 1);
        chosen.push(latin);
    }
    chosen.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_script_and_then_the_nearest_languages() {
        let installed = of_installed(&list(&["ara", "deu", "eng", "fra", "osd", "rus", "spa", "script/Latin"]));
        assert_eq!(installed.len(), 6);
        assert!(are_of_several_scripts(&installed) && !are_of_several_scripts(&list(&["deu", "eng"])));
        let chosen = |detected, document, system| choose(&installed, detected, document, system).join("+");
        assert_eq!(chosen(Some("Latin"), None, None), "eng+deu+fra");
        assert_eq!(chosen(Some("Latin"), Some("es-MX"), Some("fr_FR.UTF-8")), "spa+fra+eng");
        assert_eq!(chosen(Some("Cyrillic"), None, Some("de_DE")), "rus+eng");
        assert_eq!(
            chosen(Some("Thai"), Some("ru"), None),
            "rus+eng+ara",
            "a script that no language here is written in"
        );
        assert_eq!(choose(&list(&["jpn", "jpn_vert"]), Some("Han"), None, None).join("+"), "jpn+jpn_vert");
        assert!(choose(&[], None, None, None).is_empty());
    }
}

//! The numbers and bullets that Word puts before list items and headings, whichever format keeps them.

use crate::numerals::{letters, roman};
use crate::xml::{El, Xml};
use std::collections::HashMap;

/// How one level of a list counts.
#[derive(Clone)]
pub(crate) struct Level {
    /// Such as `decimal` or `bullet`.
    pub(crate) format: String,
    /// With `%1` where the number of the first level stands.
    pub(crate) text: String,
    pub(crate) start: u32,
    /// The level after which it begins anew, from 1; 0 where it never does, none where any level above makes it.
    pub(crate) restart: Option<u8>,
    /// Numbers of the levels above are written in plain digits.
    pub(crate) legal: bool,
}

/// List definitions and how far each list has counted.
#[derive(Default)]
pub(crate) struct Numbering {
    /// Abstract list of each list, and the levels that the list overrides.
    lists: HashMap<String, (String, HashMap<u8, u32>)>,
    levels: HashMap<(String, u8), Level>,
    /// Levels that a list defines anew for itself.
    own: HashMap<(String, u8), Level>,
    counts: HashMap<String, Vec<Option<u32>>>,
    started: std::collections::HashSet<String>,
}

impl Numbering {
    pub(crate) fn of(xml: Option<&Xml>) -> Self {
        let mut numbering = Self::default();
        let Some(xml) = xml else { return numbering };
        for el in xml.root().children() {
            match el.name() {
                "abstractNum" => {
                    let id = el.attr("abstractNumId").unwrap_or_default();
                    for level in el.children().filter(|el| el.name() == "lvl") {
                        let index = level.attr("ilvl").and_then(|ilvl| ilvl.parse::<u8>().ok()).unwrap_or(0);
                        numbering.levels.insert((id.to_owned(), index), level_of(level));
                    }
                }
                "num" => {
                    let (Some(id), Some(base)) =
                        (el.attr("numId"), el.child("abstractNumId").and_then(|el| el.attr("val")))
                    else {
                        continue;
                    };
                    let mut starts = HashMap::new();
                    for change in el.children().filter(|el| el.name() == "lvlOverride") {
                        let level = change.attr("ilvl").and_then(|ilvl| ilvl.parse::<u8>().ok()).unwrap_or(0);
                        let start = change.child("startOverride").and_then(|el| el.attr("val")?.parse::<u32>().ok());
                        starts.extend(start.map(|start| (level, start)));
                        if let Some(own) = change.child("lvl") {
                            numbering.own.insert((id.to_owned(), level), level_of(own));
                        }
                    }
                    numbering.lists.insert(id.to_owned(), (base.to_owned(), starts));
                }
                _ => {}
            }
        }
        numbering
    }

    /// Adds a level of an abstract list.
    pub(crate) fn define(&mut self, base: &str, index: u8, level: Level) {
        self.levels.insert((base.to_owned(), index), level);
    }

    /// Adds a list: what it is made from, and where levels of it begin anew.
    pub(crate) fn list(&mut self, id: &str, base: &str, starts: HashMap<u8, u32>) {
        self.lists.insert(id.to_owned(), (base.to_owned(), starts));
    }

    /// Adds a level that a list defines anew for itself.
    pub(crate) fn redefine(&mut self, id: &str, index: u8, level: Level) {
        self.own.insert((id.to_owned(), index), level);
    }

    fn level(&self, id: &str, base: &str, level: u8) -> Option<&Level> {
        self.own.get(&(id.to_owned(), level)).or_else(|| self.levels.get(&(base.to_owned(), level)))
    }

    /// Counts on and gives the label of the next item; `None` where the paragraph is in no list.
    pub(crate) fn next(&mut self, id: &str, level: u8) -> Option<String> {
        let (base, starts) = self.lists.get(id)?.clone();
        let level = level.min(8);
        if self.started.insert(id.to_owned()) && !starts.is_empty() {
            let counts = self.counts.entry(base.clone()).or_insert_with(|| vec![None; 9]);
            for (level, start) in &starts {
                if let Some(count) = counts.get_mut(usize::from(*level)) {
                    *count = Some(start.saturating_sub(1));
                }
            }
        }
        let definition = self.level(id, &base, level).cloned();
        let levels: Vec<Option<Level>> = (0..9).map(|at| self.level(id, &base, at).cloned()).collect();
        let counts = self.counts.entry(base.clone()).or_insert_with(|| vec![None; 9]);
        for (at, (count, known)) in counts.iter_mut().zip(&levels).enumerate() {
            let start = known.as_ref().map_or(1, |known| known.start);
            let restart = known.as_ref().and_then(|known| known.restart);
            match at.cmp(&usize::from(level)) {
                // A level that was passed over counts as begun.
                std::cmp::Ordering::Less => *count = count.or(Some(start)),
                std::cmp::Ordering::Equal => *count = Some(count.map_or(start, |count| count.saturating_add(1))),
                std::cmp::Ordering::Greater if restart.is_none_or(|after| level < after) => *count = None,
                std::cmp::Ordering::Greater => {}
            }
        }
        let counts = counts.clone();
        let definition = definition?;
        match definition.format.as_str() {
            "bullet" => Some("•".to_owned()),
            "none" => None,
            _ => {
                let mut label = definition.text.clone();
                for (i, count) in counts.iter().enumerate() {
                    let place = format!("%{}", i + 1);
                    if label.contains(&place) {
                        let of = self.level(id, &base, i as u8);
                        let number = count.unwrap_or_else(|| of.map_or(1, |of| of.start));
                        let format = match of.map_or("decimal", |of| of.format.as_str()) {
                            format if !definition.legal || matches!(format, "none" | "bullet") => format,
                            _ => "decimal",
                        };
                        label = label.replace(&place, &written(number, format));
                    }
                }
                Some(label)
            }
        }
    }
}

fn level_of(level: El<'_>) -> Level {
    let value = |name: &str| level.child(name).and_then(|el| el.attr("val"));
    Level {
        format: value("numFmt").unwrap_or("decimal").to_owned(),
        text: value("lvlText").unwrap_or("").chars().take(40).collect(),
        // Where nothing is said a level counts from nought (ECMA-376, 17.9.25).
        start: value("start").and_then(|start| start.parse().ok()).unwrap_or(0),
        restart: value("lvlRestart").and_then(|after| after.parse().ok()),
        legal: level.child("isLgl").is_some_and(|el| !matches!(el.attr("val"), Some("0" | "false"))),
    }
}

fn written(number: u32, format: &str) -> String {
    match format {
        "none" | "bullet" => String::new(),
        "lowerLetter" => letters(number),
        "upperLetter" => letters(number).to_uppercase(),
        "lowerRoman" => roman(number),
        "upperRoman" => roman(number).to_uppercase(),
        "decimalZero" => format!("{number:02}"),
        "ordinal" => {
            let ending = match (number % 10, number % 100) {
                (_, 11..=13) => "th",
                (1, _) => "st",
                (2, _) => "nd",
                (3, _) => "rd",
                _ => "th",
            };
            format!("{number}{ending}")
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_count_and_start_over() {
        let xml = Xml::parse(
            b"<numbering><abstractNum abstractNumId='0'>\
              <lvl ilvl='0'><start val='1'/><numFmt val='decimal'/><lvlText val='%1.'/></lvl>\
              <lvl ilvl='1'><start val='1'/><numFmt val='lowerLetter'/><lvlText val='%1.%2)'/></lvl>\
              <lvl ilvl='2'><numFmt val='bullet'/><lvlText val='o'/></lvl></abstractNum>\
              <num numId='5'><abstractNumId val='0'/></num></numbering>",
        )
        .unwrap();
        let mut numbering = Numbering::of(Some(&xml));
        let labels: Vec<_> =
            [0, 1, 1, 2, 0, 1].into_iter().map(|level| numbering.next("5", level).unwrap_or_default()).collect();
        assert_eq!(labels, ["1.", "1.a)", "1.b)", "•", "2.", "2.a)"]);
        assert_eq!(numbering.next("9", 0), None);
    }

    #[test]
    fn levels_that_were_passed_over_or_never_begin_anew_count_on() {
        let xml = Xml::parse(
            b"<numbering><abstractNum abstractNumId='0'>\
              <lvl ilvl='0'><start val='1'/><numFmt val='upperRoman'/><lvlText val='%1'/></lvl>\
              <lvl ilvl='1'><start val='1'/><numFmt val='lowerLetter'/><lvlText val='%1.%2'/></lvl>\
              <lvl ilvl='2'><start val='1'/><isLgl/><lvlRestart val='1'/><numFmt val='decimal'/>\
              <lvlText val='%1.%2.%3'/></lvl>\
              </abstractNum><num numId='5'><abstractNumId val='0'/></num></numbering>",
        )
        .unwrap();
        let mut numbering = Numbering::of(Some(&xml));
        let labels: Vec<_> =
            [0, 2, 1, 2, 0, 2].into_iter().map(|level| numbering.next("5", level).unwrap_or_default()).collect();
        assert_eq!(labels, ["I", "1.1.1", "I.b", "1.2.2", "II", "2.1.1"]);
        let silent =
            b"<numbering><abstractNum abstractNumId='0'><lvl ilvl='0'><lvlText val='%1.'/></lvl></abstractNum>\
            <num numId='5'><abstractNumId val='0'/></num></numbering>";
        let mut numbering = Numbering::of(Some(&Xml::parse(silent).unwrap()));
        assert_eq!([numbering.next("5", 0), numbering.next("5", 0)], [Some("0.".into()), Some("1.".into())]);
    }
}

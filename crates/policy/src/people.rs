//! Who may do what on a shared machine: the part that a person plays, and what each kind of work needs. Says nothing about
//! single documents: a profile is a vault of its own.

use serde::{Deserialize, Serialize};

/// The part that a person plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Person {
    /// Reads what is there.
    Viewer,
    /// Asks, imports, remembers.
    Member,
    /// Also changes the rules.
    Steward,
    /// Reads the record, and none of the content.
    Auditor,
}

/// What a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Opening the vault, and what every screen states.
    Enter,
    /// Reading documents, answers and memories.
    Read,
    /// Changing them: asking, importing, remembering, choosing models.
    Work,
    /// Changing what may happen.
    Rule,
    /// Reading the record.
    Record,
}

impl Person {
    /// All parts.
    pub const ALL: [Person; 4] = [Person::Viewer, Person::Member, Person::Steward, Person::Auditor];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Person::Viewer => "Viewer",
            Person::Member => "Member",
            Person::Steward => "Steward",
            Person::Auditor => "Auditor",
        }
    }

    /// Whether this part has a right.
    pub fn has(self, right: Right) -> bool {
        match (self, right) {
            (_, Right::Enter | Right::Record) | (Person::Steward, _) => true,
            (Person::Viewer, right) => right == Right::Read,
            (Person::Member, right) => matches!(right, Right::Read | Right::Work),
            (Person::Auditor, _) => false,
        }
    }

    /// Whether it may see content, where the record repeats any.
    pub fn sees_content(self) -> bool {
        self.has(Right::Read)
    }
}

impl Right {
    /// What it is, for the sentence "A viewer may not ...".
    pub fn words(self) -> &'static str {
        match self {
            Right::Enter => "open the vault",
            Right::Read => "read documents, answers and memories",
            Right::Work => "ask, import or change anything",
            Right::Rule => "change the rules",
            Right::Record => "read the record",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_what() {
        let table: Vec<String> = Person::ALL
            .into_iter()
            .map(|person| {
                let rights = [Right::Enter, Right::Read, Right::Work, Right::Rule, Right::Record];
                let marks: String = rights.into_iter().map(|right| if person.has(right) { 'x' } else { '-' }).collect();
                format!("{} {marks}", person.name())
            })
            .collect();
        assert_eq!(table, ["Viewer xx--x", "Member xxx-x", "Steward xxxxx", "Auditor x---x"]);
    }
}

//! What a turn was made from, each part compared with what is here now, and the prompt laid out of it again.

use super::is_as_it_was;
use crate::error;
use crate::kernel::{House, Open};
use crate::models::Installed;
use crate::turn::TurnRecord;
use crate::turn::call::{Asked, CallRecord, Given, Place, sha256_of};
use crate::turn::compose::{Said, grounded_message, messages, said, system};
use hearth_api::{Error, ReplayInput};
use hearth_inference::wire::Message;
use hearth_store::{MemoryState, PassageRow, Reader, TurnRow};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// The inputs that were looked at, each once.
#[derive(Default)]
pub(super) struct Inputs(Vec<ReplayInput>);

/// Something to go on with, or why not.
type Found<T> = Result<T, String>;

impl Inputs {
    fn add(&mut self, name: impl Into<String>, before: impl Into<String>, now: impl Into<String>) -> bool {
        let (name, before, now) = (name.into(), before.into(), now.into());
        let same = before == now;
        let input = ReplayInput { name, before, now, same };
        if !self.0.contains(&input) {
            self.0.push(input);
        }
        same
    }

    /// Those that are not as they were.
    pub(super) fn changed(&self) -> Vec<&ReplayInput> {
        self.0.iter().filter(|input| !input.same).collect()
    }

    pub(super) fn into_list(self) -> Vec<ReplayInput> {
        self.0
    }

    /// The model with the weights of then. Its file is read and hashed anew: what a list says of it does not count.
    pub(super) fn model(&mut self, house: &House, call: &CallRecord) -> Result<Found<Installed>, Error> {
        let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
        let then = call.sha256.clone().unwrap_or_default();
        let known = house.models.installed();
        let here = known
            .iter()
            .find(|model| model.id == call.id())
            .or_else(|| known.iter().find(|model| model.sha256.is_some() && model.sha256 == call.sha256));
        let Some(model) = here else {
            self.add("model file", short(&then), "gone");
            return Ok(Err(format!("{} is not on this machine any more.", call.name)));
        };
        if then.is_empty() {
            return Ok(Err(format!("The hash of {} was not known then.", call.name)));
        }
        let now = match hash_of(&model.weights) {
            Ok(now) => now,
            Err(why) => {
                self.add("model file", short(&then), "cannot be read");
                return Ok(Err(format!("The file of {} cannot be read: {why}.", call.name)));
            }
        };
        if !self.add("model file", short(&then), short(&now)) || now != then {
            return Ok(Err(format!(
                "The file of {} is another: its hash was {}, and is {}.",
                call.name,
                short(&then),
                short(&now)
            )));
        }
        Ok(Ok(model.clone()))
    }

    /// Where it computed, against where it computes.
    pub(super) fn place(&mut self, then: &Place, now: &Place) {
        self.add("machine", then.machine.as_str(), now.machine.as_str());
        self.add("computed on", then.place.as_str(), now.place.as_str());
        self.add("kernel", then.kernel.as_str(), now.kernel.as_str());
        self.add("threads", then.threads.to_string(), now.threads.to_string());
        self.add("context", then.n_ctx.to_string(), now.n_ctx.to_string());
        self.add("chat template", then.template.as_str(), now.template.as_str());
    }

    /// The prompt, laid out of its parts again; it must be the same to the letter.
    pub(super) fn messages(
        &mut self,
        open: &Open,
        row: &TurnRow,
        record: &TurnRecord,
        call: &CallRecord,
    ) -> Result<Found<Vec<Message>>, Error> {
        let made = open.store.read(|reader| {
            let user = self.user(reader, row, record, call)?;
            let instructions = self.instructions(reader, call)?;
            let memories = self.memories(reader, call)?;
            let earlier = self.earlier(reader, call)?;
            Ok(match (user, instructions, memories, earlier) {
                (Err(why), ..) | (_, Err(why), ..) | (_, _, Err(why), _) | (.., Err(why)) => Err(why),
                (Ok(user), Ok(instructions), Ok(memories), Ok(earlier)) => {
                    Ok(messages(system(&instructions, memories.iter().map(String::as_str)), &earlier, user))
                }
            })
        });
        let made = made.map_err(error::store)?;
        Ok(made.and_then(|made| {
            let same = is_as_it_was(call, &made);
            self.add("prompt", "as it was", if same { "as it was" } else { "another" });
            if same { Ok(made) } else { Err("The prompt that its parts make now is another than it was.".into()) }
        }))
    }

    /// What was asked, with the passages: versions and spans must be there as they were.
    fn user(
        &mut self,
        reader: &Reader<'_>,
        row: &TurnRow,
        record: &TurnRecord,
        call: &CallRecord,
    ) -> hearth_store::Result<Found<String>> {
        let mut rows: Vec<PassageRow> = Vec::new();
        for given in &call.given {
            let Some(version) = reader.version(given.version)? else {
                self.add(format!("version {}", given.version), short(&given.sha256), "erased");
                return Ok(Err("A document that the model had read was erased.".into()));
            };
            let title = reader.document(version.document)?.map_or_else(|| "a document".into(), |row| row.title);
            let name = format!("{title}, version {}", version.number);
            if !self.add(name.as_str(), short(&given.sha256), short(&version.hash.to_string())) {
                return Ok(Err(format!("{name} holds other bytes than it did.")));
            }
            if call.prompt == Asked::OfPassages {
                match laid_out(reader, given)? {
                    Some(row) => rows.push(row),
                    None => {
                        self.add(format!("passages of {name}"), "as they were", "laid out no longer");
                        return Ok(Err(format!("{name} answers no longer, and its passages are laid out no more.")));
                    }
                }
            }
        }
        Ok(match call.prompt {
            Asked::OfPassages => Ok(grounded_message(&rows, &row.question)),
            Asked::Own => call.asked.clone().ok_or_else(|| "What the model was asked was erased.".to_owned()),
            Asked::Kept => record.prompt.clone().ok_or_else(|| "What the model was asked was erased.".to_owned()),
        })
    }

    fn instructions(&mut self, reader: &Reader<'_>, call: &CallRecord) -> hearth_store::Result<Found<String>> {
        let name = format!("recipe “{}”, version {}", call.recipe.name, call.recipe.version);
        let kept = reader.recipe(&call.recipe.name, call.recipe.version)?;
        let now = kept.as_ref().map_or_else(|| "gone".into(), |row| short(&hex(&row.hash)));
        let same = self.add(name.as_str(), short(&call.recipe.sha256), now);
        let text = kept.as_ref().and_then(|row| row.body.get("instructions")?.as_str());
        Ok(match text.filter(|_| same) {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("The {name} is not what it was.")),
        })
    }

    fn memories(&mut self, reader: &Reader<'_>, call: &CallRecord) -> hearth_store::Result<Found<Vec<String>>> {
        let mut texts = Vec::new();
        for (id, then) in &call.memories {
            let kept = reader.memory(*id)?.filter(|row| row.state != MemoryState::Forgotten);
            let now = kept.as_ref().map_or_else(|| "erased".into(), |row| short(&sha256_of(row.text.as_bytes())));
            if !self.add(format!("memory {id}"), short(then), now) {
                return Ok(Err("A memory that the model was told was changed or forgotten.".into()));
            }
            texts.extend(kept.map(|row| row.text));
        }
        Ok(Ok(texts))
    }

    fn earlier(&mut self, reader: &Reader<'_>, call: &CallRecord) -> hearth_store::Result<Found<Vec<Said>>> {
        let mut earlier = Vec::new();
        for turn in &call.earlier {
            match reader.turn(*turn)?.and_then(said) {
                Some(said) => earlier.push(said),
                None => {
                    self.add(format!("earlier question {turn}"), "as it was", "erased");
                    return Ok(Err("An earlier question that the model read again was erased.".into()));
                }
            }
        }
        Ok(Ok(earlier))
    }
}

/// A passage as it is laid out now; none where its version answers no longer.
fn laid_out(reader: &Reader<'_>, given: &Given) -> hearth_store::Result<Option<PassageRow>> {
    let rows = reader.passages_of(given.version)?;
    Ok(rows.into_iter().find(|row| row.page == given.page && row.start == given.start && row.end == given.end))
}

fn short(hash: &str) -> String {
    hash.get(..12).unwrap_or(hash).to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file, hexadecimal.
fn hash_of(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0u8; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

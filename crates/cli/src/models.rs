//! `hearth models`: what is installed, what could be, fetching, adding, carrying, removing.

use crate::arguments::Models;
use crate::bundles;
use crate::end::End;
use crate::house::{self, House, Place};
use crate::out::{Out, size};
use hearth_api::{
    DownloadModel, Error, ErrorCode, Event, Fit, FitLevel, Handler, ListModels, Model, ModelPresence, RemoveModel,
};
use std::path;
use tokio::sync::broadcast::error::RecvError;

/// Does what was asked.
pub(crate) fn run(place: Place, what: Models, out: &Out) -> Result<End, Error> {
    match what {
        Models::List => list(&opened(place, out)?, out),
        Models::FetchDefaults => fetch_defaults(&place.start()?, out),
        Models::Get { id } => get(&opened(place, out)?, id, out),
        Models::Found => found(&place.start()?, out),
        Models::Add { what, here } => {
            let house = opened(place, out)?;
            let path = path::absolute(&what).unwrap_or_else(|_| what.clone());
            let model = match what.to_str() {
                Some(id) if !here && !path.exists() => house.add_found_model(id)?,
                _ if here => house.add_model_here(&path)?,
                _ => house.add_model(&path)?,
            };
            out.line(format!("Added {}", row(&model)));
            out.value(&model);
            Ok(End::Done)
        }
        Models::Pack { ids, to } => bundles::pack(&place.start()?, &ids, &to, out),
        Models::Unpack { file, trust } => bundles::unpack(&place.start()?, &file, trust.as_deref(), out),
        Models::Compare(what) => crate::compare::run(&place.open(out)?, what, out),
        Models::Remove { id } => {
            opened(place, out)?.handle(RemoveModel { model: id.clone() })?;
            out.line(format!("Removed {id}"));
            out.value(&serde_json::json!({ "removed": id }));
            Ok(End::Done)
        }
    }
}

/// Models need no vault, except where roles are kept in it: so it is opened when that needs nobody.
fn opened(place: Place, out: &Out) -> Result<House, Error> {
    let house = place.start()?;
    match house.handle(ListModels {}) {
        Err(error) if error.code == ErrorCode::Locked => house::unlock(&house, out)?,
        _ => {}
    }
    Ok(house)
}

fn list(house: &House, out: &Out) -> Result<End, Error> {
    let models = house.handle(ListModels {})?;
    out.value(&models);
    let machine = &models.machine;
    out.line(format!(
        "{}, {} threads, {} memory, {} free on disk",
        machine.compute,
        machine.cores,
        size(machine.memory_bytes),
        size(machine.disk_free_bytes)
    ));
    out.line("\nInstalled");
    for model in &models.installed {
        out.line(format!("  {}", row(model)));
    }
    if models.installed.is_empty() {
        out.line("  none; `hearth models fetch-defaults` fetches the two default models");
    }
    out.line("\nCatalogue");
    for model in &models.catalogue {
        out.line(format!("  {}", row(model)));
    }
    Ok(End::Done)
}

/// Models that other programs keep.
fn found(house: &House, out: &Out) -> Result<End, Error> {
    let models = house.found_models();
    out.value(&models);
    for model in &models {
        let state = match &model.unsupported {
            Some(why) => format!("cannot run: {why}"),
            None if model.installed => "installed".to_owned(),
            None => fit(&model.fit).to_owned(),
        };
        out.line(format!(
            "{:40} {:>8}  {:10} {}  {}, {state}",
            model.id,
            size(model.size_bytes),
            model.quantization,
            model.licence,
            model.program
        ));
    }
    if models.is_empty() {
        out.line("No models of Ollama or LM Studio are at their usual places.");
        return Ok(End::Nothing);
    }
    out.line("`hearth models add ID` uses one where it lies, without copying it.");
    Ok(End::Done)
}

fn fit(fit: &Fit) -> &'static str {
    match fit.level {
        FitLevel::RunsWell => "runs well",
        FitLevel::Slower => "slower",
        FitLevel::Tight => "tight",
        FitLevel::WillNotFit => "will not fit",
    }
}

fn row(model: &Model) -> String {
    let fit = fit(&model.fit);
    let state = match &model.state {
        ModelPresence::Damaged { error } => format!(", damaged: {error}"),
        ModelPresence::Paused { done_bytes, .. } => format!(", paused at {}", size(*done_bytes)),
        _ => String::new(),
    };
    let fit = model.unsupported.as_ref().map_or(fit.to_owned(), |why| format!("cannot run: {why}"));
    format!("{:32} {:>8}  {:10} {}  {fit}{state}", model.id, size(model.size_bytes), model.quantization, model.licence)
}

fn fetch_defaults(house: &House, out: &Out) -> Result<End, Error> {
    let mut last = (String::new(), 0);
    house.fetch_default_models(&mut |name, done, total| {
        out.doing(&format!("{name}: {}{}", size(done), of(total)));
        // On a log, a line for each tenth is enough.
        let tenth = done.saturating_mul(10).checked_div(total).unwrap_or(0);
        if last.0 != name || last.1 != tenth {
            if last.0 != name {
                out.note(&format!("Fetching {name}{}", of(total)));
            }
            last = (name.to_owned(), tenth);
        }
    })?;
    out.doing("");
    out.line("The default models are here.");
    out.value(&serde_json::json!({ "fetched": true }));
    Ok(End::Done)
}

fn of(total: u64) -> String {
    if total == 0 { String::new() } else { format!(" of {}", size(total)) }
}

fn get(house: &House, id: String, out: &Out) -> Result<End, Error> {
    let mut events = house.subscribe();
    let mut model = house.handle(DownloadModel { model: id.clone() })?;
    loop {
        match &model.state {
            ModelPresence::Installed | ModelPresence::Loaded => {
                out.doing("");
                out.line(format!("Fetched {}", row(&model)));
                out.value(&model);
                return Ok(End::Done);
            }
            ModelPresence::Downloading { done_bytes, total_bytes, bytes_per_second } => {
                out.doing(&format!(
                    "{}: {}{}, {}/s",
                    model.name,
                    size(*done_bytes),
                    of(*total_bytes),
                    size(*bytes_per_second)
                ));
            }
            ModelPresence::Paused { error: Some(error), .. } | ModelPresence::Damaged { error } => {
                return Err(error.clone());
            }
            ModelPresence::Paused { error: None, .. } | ModelPresence::Absent => {
                return Err(Error::new(ErrorCode::ModelMissing, format!("The download of {id} was ended elsewhere.")));
            }
        }
        model = loop {
            match events.blocking_recv() {
                Ok(envelope) => match envelope.event {
                    Event::Model { model } if model.id == id => break model,
                    _ => {}
                },
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => {
                    return Err(Error::new(ErrorCode::ProcessDied, "Hearth stopped before the model was there."));
                }
            }
        };
    }
}

//! Models that run elsewhere: who may be asked, with which key, for how much. What is said here is kept in the vault; the
//! key is not, where the system has a keyring. Nothing is sent from here but the few fixed words of a test.

mod preview;
mod redact;
mod send;
mod spend;

pub(crate) use preview::{Preview, preview, sending};
pub(crate) use redact::{Hidden, Restorer};
pub(crate) use send::{Going, gate, send, settle, show, terms, test};

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use hearth_api as api;
use hearth_api::{Error, ErrorCode, ProviderView, Providers};
use hearth_egress::Key;
use hearth_egress::provider::{Breaker, Price, PriceList, Provider, Rate, Service, check_address, host_of};
use hearth_store::{Entry, KeptIn};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

const KEPT: &str = "providers";
/// Providers that one vault keeps, at most.
const MOST: usize = 32;
/// Previews that can still be sent; older ones are let go.
const PREVIEWS: usize = 8;

/// What the open vault remembers of models elsewhere until it is locked.
#[derive(Default)]
pub(crate) struct Remote {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    breakers: HashMap<String, Breaker>,
    previews: VecDeque<Preview>,
    next: i64,
}

impl Remote {
    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Keeps a preview, so that it can be sent, and names it.
    fn put(&self, mut preview: Preview) -> i64 {
        let mut state = self.held();
        state.next += 1;
        preview.id = state.next;
        state.previews.push_back(preview);
        if state.previews.len() > PREVIEWS {
            state.previews.pop_front();
        }
        state.next
    }

    /// Takes a preview: it can be sent once.
    pub(crate) fn take(&self, id: i64) -> Option<Preview> {
        let mut state = self.held();
        let at = state.previews.iter().position(|preview| preview.id == id)?;
        state.previews.remove(at)
    }

    /// Whether a provider may be asked now; else how many seconds it is still left alone.
    fn resting_s(&self, id: &str) -> Option<u32> {
        let mut breaker = self.held().breakers.get(id)?.clone();
        breaker.may(now_ms()).err().map(|ms| ms.div_ceil(1000) as u32)
    }

    /// Asks the breaker of a provider for one request.
    pub(crate) fn may(&self, id: &str) -> Result<(), u64> {
        self.held().breakers.entry(id.to_owned()).or_default().may(now_ms())
    }

    /// Notes how a request ended.
    pub(crate) fn ended(&self, id: &str, well: bool) {
        self.held().breakers.entry(id.to_owned()).or_default().ended(well, now_ms());
    }
}

/// A provider as kept in the vault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) service: Service,
    pub(crate) address: String,
    pub(crate) model: String,
    pub(crate) residency: String,
    pub(crate) keeps: String,
    pub(crate) price: Option<Price>,
    /// Where its key lies; none where it has none.
    pub(crate) key: Option<KeyPlace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyPlace {
    Keyring,
    Vault,
}

impl KeyPlace {
    fn words(self) -> &'static str {
        match self {
            KeyPlace::Keyring => "in the system's keyring",
            KeyPlace::Vault => "sealed in the vault",
        }
    }
}

impl Kept {
    pub(crate) fn host(&self) -> String {
        host_of(&self.address)
    }

    /// As the gate needs it, without its key.
    pub(crate) fn without_key(&self) -> Provider {
        let (address, model) = (self.address.clone(), self.model.clone());
        Provider { service: self.service, address, model, key: None }
    }

    /// As the gate needs it.
    pub(crate) fn with_key(&self, open: &Open) -> Result<Provider, Error> {
        let mut provider = self.without_key();
        if self.key.is_some() {
            let found = open.store.secret(&key_name(&self.id)).map_err(|why| no_key(&self.name, &why))?;
            let (text, _) = found.ok_or_else(|| no_key(&self.name, &"it is not there any more"))?;
            provider.key = Some(Key::new(text.as_str()));
        }
        Ok(provider)
    }

    pub(crate) fn rate(&self) -> Result<Rate, Error> {
        let list = PriceList::built_in().map_err(error::internal)?;
        Ok(list.rate(self.service, &self.model, self.price, self.without_key().is_own()))
    }
}

fn key_name(id: &str) -> String {
    format!("provider/{id}")
}

fn no_key(name: &str, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorCode::Unavailable, format!("The key of {name} cannot be had: {why}. Nothing was sent."))
        .hint("Unlock the keyring, or give the key again.")
}

/// All providers that are set up.
pub(crate) fn kept(open: &Open) -> Result<Vec<Kept>, Error> {
    let value = open.store.read(|reader| reader.setting(KEPT)).map_err(error::store)?;
    // What cannot be read is no provider, and says so: nothing is sent by half a setting.
    value.map_or(Ok(Vec::new()), |value| {
        serde_json::from_value(value).map_err(|why| {
            Error::new(ErrorCode::Damaged, format!("The list of providers cannot be read: {why}."))
                .hint("Set the providers up again.")
        })
    })
}

/// One provider by its id.
pub(crate) fn find(open: &Open, id: &str) -> Result<Kept, Error> {
    kept(open)?.into_iter().find(|one| one.id == id).ok_or_else(|| error::missing("provider"))
}

/// What contradicts a mode that lets nothing out: each provider that is set up.
pub(crate) fn conflicts(house: &House, open: &Open) -> Vec<String> {
    if house.law.held().rules.mode != hearth_policy::Mode::Offline {
        return Vec::new();
    }
    against_offline(open)
}

/// What would contradict the mode Offline, one sentence each.
pub(crate) fn against_offline(open: &Open) -> Vec<String> {
    match kept(open) {
        Ok(all) => all
            .iter()
            .map(|one| format!("{} ({}) is set up as a provider, and Offline sends nothing.", one.name, one.host()))
            .collect(),
        Err(error) => vec![error.message],
    }
}

/// The mode Offline and a provider do not go together: an error that names each, never a silent precedence.
pub(crate) fn may_be_offline(open: &Open) -> Result<(), Error> {
    let conflicts = against_offline(open);
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Invalid, conflicts.join(" "))
        .hint("Remove the providers first, or choose Local only, which sends them nothing either."))
}

/// Who may be asked, and what it may cost.
pub(crate) fn list(house: &House) -> Result<Providers, Error> {
    let open = house.open()?;
    let list = PriceList::built_in().map_err(error::internal)?;
    let providers = kept(&open)?.iter().map(|one| view(&open, one)).collect::<Result<_, _>>()?;
    let (today, month) = spend::spent(&open)?;
    let keyring = hearth_store::device_available();
    Ok(Providers {
        mode: crate::view::mode(house.law.held().rules.mode),
        providers,
        budget: spend::budget(&open)?.shown(),
        spent_today: today.to_string(),
        spent_month: month.to_string(),
        keys: if keyring {
            "Keys are kept in the system's keyring.".to_owned()
        } else {
            "This machine has no keyring; keys are sealed inside the encrypted vault, under a key of their own."
                .to_owned()
        },
        prices_of: list.as_of().to_owned(),
        conflicts: conflicts(house, &open),
    })
}

fn view(open: &Open, one: &Kept) -> Result<ProviderView, Error> {
    let rate = one.rate()?;
    let dollars = |micro: u64| micro as f64 / 1e6;
    let price = match (rate.price.input, rate.price.output) {
        (0, 0) => rate.source.clone(),
        (input, output) => {
            format!("${} read, ${} written for a million tokens; {}", dollars(input), dollars(output), rate.source)
        }
    };
    Ok(ProviderView {
        id: one.id.clone(),
        name: one.name.clone(),
        service: service(one.service),
        address: one.address.clone(),
        host: one.host(),
        model: one.model.clone(),
        residency: one.residency.clone(),
        keeps: one.keeps.clone(),
        key: one.key.map(|place| place.words().to_owned()),
        own: one.without_key().is_own(),
        price,
        price_known: rate.known,
        set_price: one.price.map(|price| (dollars(price.input), dollars(price.output))),
        spent: spend::spent_with(open, &one.id)?.to_string(),
        resting_s: open.remote.resting_s(&one.id),
    })
}

fn service(service: Service) -> api::Service {
    match service {
        Service::OpenAi => api::Service::OpenAi,
        Service::Anthropic => api::Service::Anthropic,
        Service::Google => api::Service::Google,
        Service::Mistral => api::Service::Mistral,
        Service::DeepSeek => api::Service::DeepSeek,
        Service::Compatible => api::Service::Compatible,
    }
}

fn service_from(service: api::Service) -> Service {
    match service {
        api::Service::OpenAi => Service::OpenAi,
        api::Service::Anthropic => Service::Anthropic,
        api::Service::Google => Service::Google,
        api::Service::Mistral => Service::Mistral,
        api::Service::DeepSeek => Service::DeepSeek,
        api::Service::Compatible => Service::Compatible,
    }
}

/// Sets a provider up, or changes one.
pub(crate) fn set(house: &House, new: api::NewProvider) -> Result<Providers, Error> {
    let open = house.open()?;
    house.law.may_change_rules()?;
    if house.law.held().rules.mode == hearth_policy::Mode::Offline {
        return Err(Error::new(
            ErrorCode::Invalid,
            "The mode is Offline, and a provider is nothing without a network.",
        )
        .hint("Choose another mode first."));
    }
    let mut all = kept(&open)?;
    let before = new.id.as_ref().map(|id| all.iter().find(|one| one.id == *id).cloned());
    let before = before.map(|found| found.ok_or_else(|| error::missing("provider"))).transpose()?;
    let mut made = checked(&new, &all, before.as_ref())?;
    if before.is_none() && all.len() >= MOST {
        return Err(
            Error::new(ErrorCode::Invalid, format!("A vault keeps {MOST} providers.")).hint("Remove one first.")
        );
    }
    // A key belongs to the host that it was given for.
    let elsewhere = before.as_ref().is_some_and(|before| before.host() != made.host());
    match new.key.as_ref().map(|key| key.0.trim()) {
        Some("") => forget_key(&open, &mut made)?,
        Some(key) => {
            let place = open.store.keep_secret(&key_name(&made.id), key).map_err(error::store)?;
            made.key = Some(if place == KeptIn::Keyring { KeyPlace::Keyring } else { KeyPlace::Vault });
        }
        None if elsewhere => forget_key(&open, &mut made)?,
        None => {}
    }
    let verb = if before.is_some() { "Provider changed" } else { "Provider set up" };
    let said = format!("{verb}: {}, {} at {}", made.name, made.model, made.host());
    let detail = serde_json::json!({ "provider": made });
    all.retain(|one| one.id != made.id);
    all.push(made);
    all.sort_by(|a, b| a.name.cmp(&b.name));
    write(house, &open, &all, "provider.set", said, detail)?;
    list(house)
}

fn forget_key(open: &Open, one: &mut Kept) -> Result<(), Error> {
    if one.key.take().is_some() {
        open.store.forget_secret(&key_name(&one.id)).map_err(error::store)?;
    }
    Ok(())
}

/// A provider whose words make sense.
fn checked(new: &api::NewProvider, all: &[Kept], before: Option<&Kept>) -> Result<Kept, Error> {
    let invalid = |what: &str| Error::new(ErrorCode::Invalid, what.to_owned());
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = line(&new.name);
    if name.is_empty() || name.chars().count() > 60 {
        return Err(invalid("A provider's name has between 1 and 60 characters."));
    }
    let model = new.model.trim().to_owned();
    if model.is_empty() || model.len() > 200 || model.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(invalid("Name the model as the provider does, without spaces."));
    }
    let service = service_from(new.service);
    let given = new.address.as_deref().map(str::trim).filter(|address| !address.is_empty());
    let address = given.or(service.usual_address()).ok_or_else(|| {
        invalid("Say where the server is.").hint("One on this machine is often http://127.0.0.1:8080/v1.")
    })?;
    let address = check_address(service, address).map_err(|why| invalid(&why))?;
    let price = match (new.input_price, new.output_price) {
        (None, None) => None,
        (Some(input), Some(output)) if [input, output].iter().all(|price| (0.0..=100_000.0).contains(price)) => {
            Some(Price::dollars(input, output))
        }
        _ => return Err(invalid("A price is two amounts in dollars for a million tokens, read and written.")),
    };
    let said = |text: &Option<String>, otherwise: &str| {
        let words: String = line(text.as_deref().unwrap_or_default()).chars().take(100).collect();
        if words.is_empty() { otherwise.to_owned() } else { words }
    };
    let id = match before {
        Some(before) => before.id.clone(),
        None => free_id(&name, all),
    };
    let mut made = Kept {
        id,
        name,
        service,
        address,
        model,
        residency: String::new(),
        keeps: said(&new.keeps, "not known"),
        price,
        key: before.and_then(|before| before.key),
    };
    let own = made.without_key().is_own();
    made.residency = said(&new.residency, if own { "own hardware" } else { "unknown" });
    Ok(made)
}

/// A short id made of the name, which nobody has.
fn free_id(name: &str, all: &[Kept]) -> String {
    let plain: String =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let base = plain.trim_matches('-');
    let base = if base.is_empty() { "provider" } else { base };
    let taken = |id: &str| all.iter().any(|one| one.id == id);
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    std::iter::once(base.to_owned()).chain(numbered).find(|id| !taken(id)).unwrap_or_default()
}

/// Forgets a provider and its key.
pub(crate) fn remove(house: &House, id: &str) -> Result<Providers, Error> {
    let open = house.open()?;
    house.law.may_change_rules()?;
    let mut all = kept(&open)?;
    let mut gone = find(&open, id)?;
    forget_key(&open, &mut gone)?;
    all.retain(|one| one.id != id);
    let said = format!("Provider removed: {}, {} at {}", gone.name, gone.model, gone.host());
    write(house, &open, &all, "provider.removed", said, serde_json::json!({ "provider": id }))?;
    list(house)
}

/// Sets what may be spent.
pub(crate) fn set_budget(house: &House, budget: &api::Budget) -> Result<Providers, Error> {
    let open = house.open()?;
    house.law.may_change_rules()?;
    spend::set_budget(&open, budget)?;
    house.events.stale(&["ListProviders", "ListActivity"]);
    list(house)
}

fn write(
    house: &House,
    open: &Open,
    all: &[Kept],
    kind: &'static str,
    sentence: String,
    detail: serde_json::Value,
) -> Result<(), Error> {
    let value = serde_json::to_value(all).map_err(error::internal)?;
    let entry = Entry { at_ms: now_ms(), kind, sentence, subject: None, detail };
    open.store.record(entry, |writer| writer.set_setting(KEPT, &value)).map_err(error::store)?;
    house.events.stale(&["ListProviders", "ListActivity", "GetPrivacy"]);
    Ok(())
}

//! `hearth providers`: models that run elsewhere. A key is read from standard input or a prompt, never from the command
//! line, where other programs could see it.

use crate::end::End;
use crate::house::{House, secret};
use crate::out::Out;
use clap::{Subcommand, ValueEnum};
use hearth_api::{
    Budget, Error, ErrorCode, Handler, ListProviders, NewProvider, RemoveProvider, SecretText, Service, SetBudget,
    SetProvider, TestProvider,
};
use std::io::IsTerminal;

#[derive(Debug, Subcommand)]
pub(crate) enum Providers {
    /// List them, with what was spent.
    List,
    /// Set one up, or change the one of this id. Asks for its key, or reads it from standard input.
    Add {
        /// What it is called here.
        name: String,
        /// Whose wire format it speaks.
        #[arg(long, value_enum)]
        service: ServiceName,
        /// The model's name there.
        #[arg(long)]
        model: String,
        /// Its address; the service's usual one without.
        #[arg(long)]
        address: Option<String>,
        /// Where it is and whose, such as "eu" or "own hardware".
        #[arg(long)]
        residency: Option<String>,
        /// Whether it keeps what it is sent, such as "no, by contract".
        #[arg(long)]
        keeps: Option<String>,
        /// It wants no key.
        #[arg(long)]
        no_key: bool,
        /// Dollars for a million tokens read and written, such as 0.5,1.5.
        #[arg(long, value_delimiter = ',', num_args = 1, value_name = "READ,WRITTEN")]
        price: Vec<f64>,
        /// Change the one of this id.
        #[arg(long)]
        id: Option<String>,
    },
    /// Forget one and its key.
    Remove {
        /// Its id.
        id: String,
    },
    /// Say what a test would send; with --yes, send it.
    Test {
        /// Its id.
        id: String,
        /// Send it.
        #[arg(long)]
        yes: bool,
    },
    /// Set what may be spent, in dollars: a number, or `none` for no limit. Without options it is shown.
    Budget {
        /// In one day, by all together.
        #[arg(long)]
        day: Option<String>,
        /// In thirty days, by the person whose vault this is.
        #[arg(long)]
        person: Option<String>,
        /// In thirty days, by one space: its id and an amount, such as 2=0.5.
        #[arg(long, value_name = "SPACE=AMOUNT")]
        space: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ServiceName {
    Openai,
    Anthropic,
    Google,
    Mistral,
    Deepseek,
    Compatible,
}

impl From<ServiceName> for Service {
    fn from(name: ServiceName) -> Self {
        match name {
            ServiceName::Openai => Service::OpenAi,
            ServiceName::Anthropic => Service::Anthropic,
            ServiceName::Google => Service::Google,
            ServiceName::Mistral => Service::Mistral,
            ServiceName::Deepseek => Service::DeepSeek,
            ServiceName::Compatible => Service::Compatible,
        }
    }
}

pub(crate) fn run(house: &House, what: Providers, out: &Out) -> Result<End, Error> {
    let providers = match what {
        Providers::List => house.handle(ListProviders {})?,
        Providers::Add { name, service, model, address, residency, keeps, no_key, price, id } => {
            let (input_price, output_price) = match price.as_slice() {
                [] => (None, None),
                [input, output] => (Some(*input), Some(*output)),
                _ => return Err(Error::new(ErrorCode::Invalid, "A price is two amounts, such as 0.5,1.5.")),
            };
            let key = if no_key { None } else { Some(SecretText(key()?)) };
            let service = service.into();
            let provider =
                NewProvider { id, name, service, address, model, residency, keeps, key, input_price, output_price };
            house.handle(SetProvider { provider })?
        }
        Providers::Remove { id } => house.handle(RemoveProvider { provider: id })?,
        Providers::Test { id, yes } => return test(house, id, yes, out),
        Providers::Budget { day, person, space } => {
            let now = house.handle(ListProviders {})?;
            if day.is_none() && person.is_none() && space.is_empty() {
                now
            } else {
                house.handle(SetBudget { budget: changed(now.budget, day, person, &space)? })?
            }
        }
    };
    out.value(&providers);
    for conflict in &providers.conflicts {
        out.line(format!("Conflict: {conflict}"));
    }
    for one in &providers.providers {
        let key = one.key.as_deref().map_or("no key".to_owned(), |place| format!("key {place}"));
        out.line(format!("{}  {}, {} at {} ({}), {key}", one.id, one.name, one.model, one.host, one.residency));
        out.line(format!("    {}; {} spent in thirty days", one.price, one.spent));
    }
    if providers.providers.is_empty() {
        out.line("No provider is set up: nothing is sent anywhere.");
    }
    let limit = |limit: Option<f64>| limit.map_or("no limit".to_owned(), |dollars| format!("${dollars}"));
    let budget = &providers.budget;
    out.line(format!("Today: {} of {}", providers.spent_today, limit(budget.day)));
    out.line(format!("Thirty days: {} of {}", providers.spent_month, limit(budget.person)));
    for (space, dollars) in &budget.spaces {
        out.line(format!("Space {space}, thirty days: at most ${dollars}"));
    }
    out.line(&providers.keys);
    Ok(End::Done)
}

/// The key: what standard input holds, or what a person types unseen.
fn key() -> Result<String, Error> {
    let typed = if std::io::stdin().is_terminal() {
        secret("Key: ")?
    } else {
        std::io::read_to_string(std::io::stdin())
            .map_err(|why| Error::new(ErrorCode::Invalid, format!("The key could not be read: {why}.")))?
    };
    match typed.trim() {
        "" => {
            Err(Error::new(ErrorCode::Invalid, "There is no key.").hint("Give it on standard input, or say --no-key."))
        }
        key => Ok(key.to_owned()),
    }
}

fn test(house: &House, id: String, yes: bool, out: &Out) -> Result<End, Error> {
    let test = house.handle(TestProvider { provider: id, confirmed: yes })?;
    out.value(&test);
    out.line(&test.sentence);
    if !test.sent {
        out.line(&test.body);
        out.line(format!("Cost: {}", test.cost));
        if let Some(rule) = &test.rule {
            out.line(format!("Rule {}: {}", rule.number, rule.sentence));
        }
    }
    Ok(if test.works == Some(false) { End::Failed } else { End::Done })
}

fn changed(
    mut budget: Budget,
    day: Option<String>,
    person: Option<String>,
    spaces: &[String],
) -> Result<Budget, Error> {
    if let Some(text) = day {
        budget.day = amount(&text)?;
    }
    if let Some(text) = person {
        budget.person = amount(&text)?;
    }
    for text in spaces {
        let wrong = || Error::new(ErrorCode::Invalid, format!("{text} is not SPACE=AMOUNT, such as 2=0.5."));
        let (space, text) = text.split_once('=').ok_or_else(wrong)?;
        let space = space.trim().parse().map_err(|_| wrong())?;
        match amount(text)? {
            Some(dollars) => budget.spaces.insert(space, dollars),
            None => budget.spaces.remove(&space),
        };
    }
    Ok(budget)
}

fn amount(text: &str) -> Result<Option<f64>, Error> {
    match text.trim().trim_start_matches('$') {
        "none" => Ok(None),
        number => number.parse().map(Some).map_err(|_| {
            Error::new(ErrorCode::Invalid, format!("{text} is no amount; say a number of dollars, or none."))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_change_where_something_is_said() {
        let before = Budget { day: Some(1.0), person: Some(10.0), spaces: [(2, 3.0)].into() };
        let after = changed(before.clone(), Some("none".into()), None, &["2=none".into(), "3=$0.5".into()]).unwrap();
        assert_eq!(after, Budget { day: None, person: Some(10.0), spaces: [(3, 0.5)].into() });
        assert!(changed(before.clone(), Some("much".into()), None, &[]).is_err());
        assert!(changed(before, None, None, &["2".into()]).is_err());
    }
}

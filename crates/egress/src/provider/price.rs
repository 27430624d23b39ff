//! What an exchange may cost at most, and what it did cost. Prices are a committed list with its day; a person may set
//! others. What is not known counts as the dearest that is.

use super::{Service, Usage};
use serde::{Deserialize, Serialize};
use std::fmt;

const BUILT_IN: &str = include_str!("prices.toml");
/// Tokens that a format adds around the text: roles and marks.
const AROUND_TOKENS: u64 = 256;

/// Money: millionths of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Amount(pub u64);

impl Amount {
    /// An amount in dollars, rounded up; nothing where it is none.
    pub fn dollars(dollars: f64) -> Self {
        Self((dollars * 1e6).ceil().clamp(0.0, 1e15) as u64)
    }

    /// Two amounts together.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        match self.0 {
            0 => f.write_str("nothing"),
            // Cents, and what is less than one to its thousandth.
            1..=9_999 => write!(f, "${whole}.{:05}", rest.div_ceil(10)),
            _ => write!(f, "${}.{:02}", (self.0.div_ceil(10_000)) / 100, self.0.div_ceil(10_000) % 100),
        }
    }
}

/// A price, in millionths of a dollar for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Read.
    pub input: u64,
    /// Written.
    pub output: u64,
}

impl Price {
    /// A price in dollars for a million tokens.
    pub fn dollars(input: f64, output: f64) -> Self {
        Self { input: Amount::dollars(input).0, output: Amount::dollars(output).0 }
    }

    fn cost(&self, input_tokens: u64, output_tokens: u64) -> Amount {
        let of = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let sum = (of(input_tokens, self.input) + of(output_tokens, self.output)).div_ceil(1_000_000);
        Amount(u64::try_from(sum).unwrap_or(u64::MAX))
    }

    /// The most that a request can cost: a token is one byte at least, and all that may be written is written.
    pub fn bound(&self, text_bytes: usize, max_tokens: u32) -> Amount {
        self.cost((text_bytes as u64).saturating_add(AROUND_TOKENS), u64::from(max_tokens))
    }

    /// What an exchange cost.
    pub fn of(&self, usage: Usage) -> Amount {
        self.cost(u64::from(usage.input_tokens), u64::from(usage.output_tokens))
    }
}

/// A price as found for a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The price that counts.
    pub price: Price,
    /// Whether it is this model's; else the dearest of the list stands in.
    pub known: bool,
    /// Where it comes from, in words.
    pub source: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    service: Service,
    model: String,
    input: f64,
    output: f64,
}

/// Prices by service and model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    as_of: String,
    price: Vec<Line>,
}

impl PriceList {
    /// The list that came with the program.
    ///
    /// # Errors
    /// What is wrong with it; a test reads it.
    pub fn built_in() -> Result<Self, String> {
        toml::from_str(BUILT_IN).map_err(|error| error.to_string())
    }

    /// The day that its prices were read.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// The price of a model. `set` is one that a person set; `own` says that the server is the person's own, whose work
    /// nobody charges.
    pub fn rate(&self, service: Service, model: &str, set: Option<Price>, own: bool) -> Rate {
        if let Some(price) = set {
            return Rate { price, known: true, source: "as you set it".to_owned() };
        }
        if own {
            return Rate { price: Price { input: 0, output: 0 }, known: true, source: "your own server".to_owned() };
        }
        let listed = self.price.iter().find(|line| line.service == service && names(&line.model, model));
        if let Some(line) = listed {
            let source = format!("list of {}", self.as_of);
            return Rate { price: Price::dollars(line.input, line.output), known: true, source };
        }
        let dearest = |of: fn(&Line) -> f64| self.price.iter().map(of).fold(0.0, f64::max);
        let price = Price::dollars(dearest(|line| line.input), dearest(|line| line.output));
        Rate { price, known: false, source: "its price is not known, so the dearest known counts".to_owned() }
    }
}

/// Whether a name is that of the list, perhaps with a date or "-latest" behind it.
fn names(listed: &str, model: &str) -> bool {
    let Some(rest) = model.strip_prefix(listed) else { return false };
    let dated = rest.strip_prefix('-').is_some_and(|rest| {
        rest == "latest" || rest.chars().all(|c| c.is_ascii_digit() || c == '-') && !rest.is_empty()
    });
    rest.is_empty() || dated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_found_by_name_and_unknown_ones_are_dear() {
        let list = PriceList::built_in().expect("a sound list");
        let rate = |model: &str| list.rate(Service::OpenAi, model, None, false);
        assert_eq!(rate("gpt-4.1").price, Price::dollars(2.0, 8.0));
        assert_eq!(rate("gpt-4.1-2025-04-14").price, Price::dollars(2.0, 8.0));
        assert_eq!(rate("gpt-4.1-mini").price, Price::dollars(0.4, 1.6));
        let unknown = rate("gpt-4.1-ultra");
        assert!(!unknown.known && unknown.price == Price::dollars(150.0, 600.0), "{unknown:?}");
        assert!(!list.rate(Service::Compatible, "x", None, false).known);
        assert_eq!(list.rate(Service::Compatible, "x", None, true).price.bound(1000, 1000), Amount(0));
        let set = Price::dollars(1.0, 2.0);
        assert_eq!(list.rate(Service::OpenAi, "x", Some(set), false).price, set);
    }

    #[test]
    fn the_bound_is_never_below_the_cost() {
        let price = Price::dollars(2.5, 10.0);
        let text = "Wie hoch ist die Miete?";
        let bound = price.bound(text.len(), 100);
        let most = Usage { input_tokens: text.len() as u32, output_tokens: 100 };
        assert!(bound >= price.of(most), "{bound:?}");
        assert_eq!(price.of(Usage { input_tokens: 1_000_000, output_tokens: 0 }), Amount(2_500_000));
        assert_eq!(price.of(Usage { input_tokens: 1, output_tokens: 0 }), Amount(3), "rounded up");
    }

    #[test]
    fn amounts_read_as_money_and_never_as_less() {
        let said: Vec<String> = [0, 1, 950, 10_000, 12_345, 1_000_000, 12_345_678]
            .into_iter()
            .map(|micro| Amount(micro).to_string())
            .collect();
        assert_eq!(said, ["nothing", "$0.00001", "$0.00095", "$0.01", "$0.02", "$1.00", "$12.35"]);
    }
}

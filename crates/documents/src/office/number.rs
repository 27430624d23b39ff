//! Number formats of spreadsheets: a number and a format code become the text that the sheet shows.
//!
//! Sections, digits, thousands, percent, exponents, dates, times and literals are understood; colours and conditions
//! beyond the sign are not.

/// A format, ready to be used many times.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Format {
    General,
    Text,
    /// Sections for positive, negative and zero numbers.
    Numbers(Vec<Section>),
}

/// One section of a format code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Section {
    tokens: Vec<Token>,
    date: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Literal(String),
    /// Digits before and after the point, with the fewest of each to show.
    Digits {
        whole: usize,
        least_whole: usize,
        decimals: usize,
        least_decimals: usize,
        grouped: bool,
        thousands: u32,
    },
    Percent,
    Exponent {
        digits: usize,
    },
    Fraction {
        digits: usize,
    },
    /// `y`, `m`, `d`, `h`, `s` or `n` for minutes, and how often it was written.
    Part(char, usize),
    /// `[h]`, `[m]` or `[s]`.
    Elapsed(char),
    Meridiem,
    SubSeconds(usize),
}

/// The format codes that every workbook knows by number.
fn built_in(id: u32) -> Option<&'static str> {
    Some(match id {
        1 => "0",
        2 => "0.00",
        3 => "#,##0",
        4 => "#,##0.00",
        5 | 6 => "$#,##0;($#,##0)",
        7 | 8 => "$#,##0.00;($#,##0.00)",
        9 => "0%",
        10 => "0.00%",
        11 => "0.00E+00",
        12 => "# ?/?",
        13 => "# ??/??",
        // Excel writes these two in the order of the reader's country; this order means the same in all of them.
        14 => "yyyy-mm-dd",
        15 => "d-mmm-yy",
        16 => "d-mmm",
        17 => "mmm-yy",
        18 => "h:mm AM/PM",
        19 => "h:mm:ss AM/PM",
        20 => "h:mm",
        21 => "h:mm:ss",
        22 => "yyyy-mm-dd h:mm",
        37 | 38 => "#,##0;(#,##0)",
        39 | 40 => "#,##0.00;(#,##0.00)",
        41 | 42 => "#,##0;(#,##0);\"-\"",
        43 | 44 => "#,##0.00;(#,##0.00);\"-\"",
        45 => "mm:ss",
        46 => "[h]:mm:ss",
        47 => "mm:ss.0",
        48 => "##0.0E+0",
        _ => return None,
    })
}

impl Format {
    /// The format with this number, or with this code where the workbook gives one.
    pub(crate) fn of(id: u32, code: Option<&str>) -> Format {
        match code.or(built_in(id)) {
            _ if id == 49 => Format::Text,
            None => Format::General,
            Some(code) if code.trim().eq_ignore_ascii_case("general") || code.is_empty() => Format::General,
            Some("@") => Format::Text,
            Some(code) => Format::Numbers(sections(code).iter().take(3).map(|section| parse(section)).collect()),
        }
    }

    /// The text that a sheet shows for `number`.
    pub(crate) fn show(&self, number: f64, from_1904: bool) -> String {
        let Format::Numbers(sections) = self else { return general(number) };
        let (index, sign) = match sections.len() {
            0 => return general(number),
            1 => (0, number < 0.0),
            _ if number < 0.0 => (1, false),
            2 => (0, false),
            _ => (if number == 0.0 { 2 } else { 0 }, false),
        };
        let Some(section) = sections.get(index) else { return general(number) };
        if section.date {
            return show_date(section, number, from_1904).unwrap_or_else(|| general(number));
        }
        let shown = show_number(section, number.abs());
        // A negative number that rounds to nothing loses its sign.
        if sign && shown.chars().any(|c| matches!(c, '1'..='9')) { format!("-{shown}") } else { shown }
    }
}

/// The code's sections, cut at semicolons outside quotes.
fn sections(code: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in code.chars().take(400) {
        match c {
            ';' if !quoted && !escaped => {
                out.push(String::new());
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = c == '\\' && !escaped && !quoted;
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out
}

fn parse(code: &str) -> Section {
    let mut tokens: Vec<Token> = Vec::new();
    let mut chars = code.chars().peekable();
    let mut date = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => literal(&mut tokens, &chars.by_ref().take_while(|c| *c != '"').collect::<String>()),
            '\\' => literal(&mut tokens, &chars.next().map(String::from).unwrap_or_default()),
            // A blank as wide as the next character, and a character repeated to fill the cell.
            '_' => {
                chars.next();
                literal(&mut tokens, " ");
            }
            '*' => {
                chars.next();
            }
            '[' => {
                let inner: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let lower = inner.to_ascii_lowercase();
                match lower.chars().next() {
                    Some(unit @ ('h' | 'm' | 's')) if lower.chars().all(|c| c == unit) => {
                        date = true;
                        tokens.push(Token::Elapsed(unit));
                    }
                    Some('$') => {
                        literal(&mut tokens, inner.get(1..).unwrap_or_default().split('-').next().unwrap_or_default())
                    }
                    _ => {}
                }
            }
            '0' | '#' | '?' => {
                let fraction = matches!(tokens.as_slice(), [.., Token::Digits { .. }, Token::Literal(slash)] if slash.trim() == "/");
                let digits = digits(c, &mut chars);
                match (fraction, digits) {
                    (true, Token::Digits { whole, .. }) => {
                        tokens.truncate(tokens.len().saturating_sub(2));
                        tokens.push(Token::Fraction { digits: whole.clamp(1, 3) });
                    }
                    (_, digits) => tokens.push(digits),
                }
            }
            '.' if matches!(tokens.last(), Some(Token::Part('s', _) | Token::Elapsed('s'))) => {
                let mut count = 0;
                while chars.next_if_eq(&'0').is_some() {
                    count += 1;
                }
                tokens.push(Token::SubSeconds(count));
            }
            '.' if matches!(chars.peek(), Some('0' | '#' | '?')) => tokens.push(digits(c, &mut chars)),
            '%' => tokens.push(Token::Percent),
            'E' | 'e' if matches!(chars.peek(), Some('+' | '-')) => {
                chars.next();
                let mut count = 0;
                while chars.next_if(|c| matches!(c, '0' | '#' | '?')).is_some() {
                    count += 1;
                }
                tokens.push(Token::Exponent { digits: count });
            }
            'A' | 'a' if starts_meridiem(c, &mut chars) => {
                date = true;
                tokens.push(Token::Meridiem);
            }
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => {
                let unit = c.to_ascii_lowercase();
                let mut count = 1;
                while chars.next_if(|next| next.to_ascii_lowercase() == unit).is_some() {
                    count += 1;
                }
                date = true;
                tokens.push(Token::Part(unit, count));
            }
            c => literal(&mut tokens, &c.to_string()),
        }
    }
    if date {
        minutes(&mut tokens);
    }
    Section { tokens, date }
}

fn starts_meridiem(first: char, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let mut ahead = chars.clone();
    let rest: String = ahead.by_ref().take(4).collect();
    let word = format!("{first}{rest}").to_ascii_uppercase();
    let length = if word.starts_with("AM/PM") {
        4
    } else if word.starts_with("A/P") {
        2
    } else {
        return false;
    };
    for _ in 0..length {
        chars.next();
    }
    true
}

fn literal(tokens: &mut Vec<Token>, text: &str) {
    match tokens.last_mut() {
        Some(Token::Literal(last)) => last.push_str(text),
        _ => tokens.push(Token::Literal(text.to_owned())),
    }
}

fn digits(first: char, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Token {
    let (mut whole, mut least_whole, mut decimals, mut least_decimals) = (0, 0, 0, 0);
    let (mut grouped, mut thousands, mut after) = (false, 0, false);
    let mut next = Some(first);
    while let Some(c) = next {
        match c {
            '0' | '#' | '?' if after => {
                decimals += 1;
                least_decimals = if c == '0' { decimals } else { least_decimals };
            }
            '0' | '#' | '?' => {
                whole += 1;
                least_whole += usize::from(c == '0');
                grouped |= thousands > 0;
                thousands = 0;
            }
            '.' => after = true,
            // A comma between digits groups them; one behind them divides by a thousand.
            _ => thousands += 1,
        }
        next = chars.next_if(|c| matches!(c, '0' | '#' | '?' | ',') || (*c == '.' && !after));
    }
    Token::Digits {
        whole,
        least_whole,
        decimals: decimals.min(30),
        least_decimals: least_decimals.min(30),
        grouped,
        thousands,
    }
}

/// `m` next to hours or seconds means minutes.
fn minutes(tokens: &mut [Token]) {
    let parts: Vec<(usize, char)> = tokens
        .iter()
        .enumerate()
        .filter_map(|(i, token)| match token {
            Token::Part(unit, _) | Token::Elapsed(unit) => Some((i, *unit)),
            _ => None,
        })
        .collect();
    for (n, (i, unit)) in parts.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|n| parts.get(n)).map(|part| part.1);
        let after = parts.get(n + 1).map(|part| part.1);
        if *unit == 'm'
            && (before == Some('h') || after == Some('s'))
            && let Some(Token::Part(unit, _)) = tokens.get_mut(*i)
        {
            *unit = 'n';
        }
    }
}

fn show_number(section: &Section, number: f64) -> String {
    let mut scaled = number;
    for token in &section.tokens {
        match token {
            Token::Percent => scaled *= 100.0,
            Token::Digits { thousands, .. } => scaled /= 1000f64.powi(*thousands as i32),
            _ => {}
        }
    }
    let exponent = section.tokens.iter().any(|token| matches!(token, Token::Exponent { .. }));
    let power = if exponent && scaled != 0.0 { scaled.log10().floor() as i32 } else { 0 };
    let mut out = String::new();
    // A fraction writes the whole number before it too.
    let mut seen = section.tokens.iter().any(|token| matches!(token, Token::Fraction { .. }));
    for token in &section.tokens {
        match token {
            Token::Literal(text) => out.push_str(text),
            Token::Percent => out.push('%'),
            Token::Digits { .. } if seen => {}
            Token::Digits { least_whole, decimals, least_decimals, grouped, .. } => {
                seen = true;
                let value = if exponent { scaled / 10f64.powi(power) } else { scaled };
                out.push_str(&fixed(value, *least_whole, *decimals, *least_decimals, *grouped));
            }
            Token::Exponent { digits } => {
                let sign = if power < 0 { '-' } else { '+' };
                out.push_str(&format!("E{sign}{:0width$}", power.abs(), width = (*digits).min(4)));
            }
            Token::Fraction { digits } => out.push_str(&fraction(scaled, *digits)),
            _ => {}
        }
    }
    out.trim().to_owned()
}

fn fixed(value: f64, least_whole: usize, decimals: usize, least_decimals: usize, grouped: bool) -> String {
    // Half away from zero, on the shortest decimal digits that stand for the number, as sheets round.
    let rounded = if value.abs() < 1e15 {
        let factor = 10f64.powi(decimals as i32);
        let scaled = value * factor;
        let nudged = (scaled * (1.0 + f64::EPSILON * 2.0)).round();
        if factor.is_finite() && nudged.is_finite() { nudged / factor } else { value }
    } else {
        value
    };
    let text = format!("{rounded:.decimals$}");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let mut part = part.to_owned();
    while part.len() > least_decimals && part.ends_with('0') {
        part.pop();
    }
    let mut whole = if least_whole == 0 && whole == "0" { String::new() } else { whole.to_owned() };
    while whole.len() < least_whole.min(40) {
        whole.insert(0, '0');
    }
    if grouped {
        let digits: Vec<char> = whole.chars().collect();
        whole = String::new();
        for (i, c) in digits.iter().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                whole.push(',');
            }
            whole.push(*c);
        }
    }
    if part.is_empty() { whole } else { format!("{whole}.{part}") }
}

/// The nearest fraction whose denominator has `digits` digits.
fn fraction(value: f64, digits: usize) -> String {
    let whole = value.trunc();
    let rest = value - whole;
    let most = 10u32.pow(digits as u32) - 1;
    let best = (1..=most).min_by(|a, b| {
        let off = |d: u32| (rest - (rest * f64::from(d)).round() / f64::from(d)).abs();
        off(*a).total_cmp(&off(*b))
    });
    let below = best.unwrap_or(1);
    let above = (rest * f64::from(below)).round();
    match (whole, above) {
        (whole, 0.0) => format!("{whole}"),
        (0.0, above) => format!("{above}/{below}"),
        (whole, above) => format!("{whole} {above}/{below}"),
    }
}

/// As a sheet shows a number without a format: up to eleven digits.
fn general(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let size = number.abs();
    if !(1e-9..1e20).contains(&size) {
        return format!("{number:E}");
    }
    let before = size.log10().floor() as i32 + 1;
    let decimals = (11 - before.max(1)).clamp(0, 10) as usize;
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn show_date(section: &Section, number: f64, from_1904: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&number) {
        return None;
    }
    let sub = section.tokens.iter().find_map(|token| if let Token::SubSeconds(n) = token { Some(*n) } else { None });
    let ticks_per_day = 86_400.0 * 10f64.powi(sub.unwrap_or(0).min(3) as i32);
    let ticks = (number * ticks_per_day).round();
    let seconds_in_all = (ticks / (ticks_per_day / 86_400.0)).floor();
    let days = (seconds_in_all / 86_400.0).floor();
    let seconds = (seconds_in_all - days * 86_400.0) as u32;
    let (year, month, day) = calendar(days as i64 + if from_1904 { 1462 } else { 0 });
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let half = section.tokens.contains(&Token::Meridiem);
    let mut out = String::new();
    for token in &section.tokens {
        match token {
            Token::Literal(text) => out.push_str(text),
            Token::Part('y', n) if *n <= 2 => out.push_str(&format!("{:02}", year % 100)),
            Token::Part('y', _) => out.push_str(&year.to_string()),
            Token::Part('m', n) => {
                let name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
                match n {
                    1 => out.push_str(&month.to_string()),
                    2 => out.push_str(&format!("{month:02}")),
                    3 => out.push_str(name.get(..3).unwrap_or(name)),
                    5 => out.push_str(name.get(..1).unwrap_or(name)),
                    _ => out.push_str(name),
                }
            }
            Token::Part('d', n) => {
                let weekday = (days as i64 + if from_1904 { 1462 } else { 0 } + 6).rem_euclid(7) as usize;
                let name = DAYS.get(weekday).copied().unwrap_or_default();
                match n {
                    1 => out.push_str(&day.to_string()),
                    2 => out.push_str(&format!("{day:02}")),
                    3 => out.push_str(name.get(..3).unwrap_or(name)),
                    _ => out.push_str(name),
                }
            }
            Token::Part(unit, n) => {
                let value = match unit {
                    'h' if half => (hour + 11) % 12 + 1,
                    'h' => hour,
                    'n' => minute,
                    _ => second,
                };
                out.push_str(&if *n > 1 { format!("{value:02}") } else { value.to_string() });
            }
            Token::Elapsed(unit) => {
                let divisor = match unit {
                    'h' => 3600.0,
                    'm' => 60.0,
                    _ => 1.0,
                };
                out.push_str(&format!("{:.0}", (seconds_in_all / divisor).floor()));
            }
            Token::Meridiem => out.push_str(if hour < 12 { "AM" } else { "PM" }),
            Token::SubSeconds(n) if *n > 0 => {
                let rest = ticks - seconds_in_all * (ticks_per_day / 86_400.0);
                out.push_str(&format!(".{:0width$.0}", rest, width = (*n).min(3)));
            }
            Token::Digits { .. } => out.push_str(&general(number)),
            _ => {}
        }
    }
    Some(out.trim().to_owned())
}

/// Year, month and day of a day counted from the last of December 1899, with Excel's 29 February 1900.
fn calendar(serial: i64) -> (i64, u32, u32) {
    if serial == 60 {
        return (1900, 2, 29);
    }
    // Days since 1970, then the civil calendar (H. Hinnant, chrono-compatible low-level date algorithms).
    let days = serial - if serial < 60 { 25_568 } else { 25_569 };
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, number: f64, expect: &str) {
        assert_eq!(Format::of(200, Some(code)).show(number, false), expect, "{code} of {number}");
    }

    #[test]
    fn numbers() {
        check("General", 1234.5, "1234.5");
        check("General", 0.1 + 0.2, "0.3");
        check("General", 12345678912.0, "12345678912");
        check("0.00", -1.005, "-1.01");
        check("#,##0", 82959.0, "82,959");
        check("#,##0", 1234567.4, "1,234,567");
        check("#,##0.0#", 1.25, "1.25");
        check("\"$\"#,##0.00_);[Red]\\(\"$\"#,##0.00\\)", -1234.5, "($1,234.50)");
        check("_(* #,##0_);_(* \\(#,##0\\);_(* \"-\"??_);_(@_)", 0.0, "-");
        check("0%", 0.256, "26%");
        check("0.0%", -0.0004, "0.0%");
        check("0.00E+00", 12345.0, "1.23E+04");
        check("# ?/?", 1.5, "1 1/2");
        check("0.0,,\" M\"", 82_959_000.0, "83.0 M");
        check("000", 7.0, "007");
        check("[$€-407] #,##0.00", 5.0, "€ 5.00");
    }

    #[test]
    fn dates_and_times() {
        check("yyyy-mm-dd", 44736.0, "2022-06-24");
        check("mmmm d, yyyy", 44736.0, "June 24, 2022");
        check("ddd d-mmm-yy", 44736.0, "Fri 24-Jun-22");
        check("h:mm AM/PM", 0.75, "6:00 PM");
        check("hh:mm:ss", 0.5 + 1.0 / 86400.0, "12:00:01");
        check("[h]:mm", 1.5, "36:00");
        check("m/d/yyyy h:mm", 44736.25, "6/24/2022 6:00");
        check("yyyy-mm-dd", 60.0, "1900-02-29");
        check("yyyy-mm-dd", 59.0, "1900-02-28");
        assert_eq!(Format::of(14, None).show(0.0, true), "1904-01-01");
    }

    #[test]
    fn strange_codes_do_no_harm() {
        for code in [
            "\"",
            "\\",
            "[",
            "[h",
            ";;;;",
            "0000000000000000000000000000000000000000000000.0",
            "E+",
            "??/??/??",
            "_",
            "*",
        ] {
            for number in [0.0, -1.5, f64::MAX, f64::NAN, f64::INFINITY] {
                let _ = Format::of(200, Some(code)).show(number, false);
            }
        }
    }
}

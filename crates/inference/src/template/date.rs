//! Dates as templates ask for them (`strftime`).

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

/// Year, month from 1 and day from 1 of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// Writes a time, given in seconds since 1970, by Python's format letters; unknown ones stay as they are.
pub fn strftime(format: &str, seconds: i64) -> String {
    // Years of more than four digits are no dates.
    let seconds = seconds.clamp(-62_135_596_800, 253_402_300_799);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    let name = |all: &[&'static str], i: i64| all.get(i as usize).copied().unwrap_or_default();
    let (month_name, day_name) = (name(&MONTHS, month - 1), name(&DAYS, (days + 4).rem_euclid(7)));
    let half = if h % 12 == 0 { 12 } else { h % 12 };
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut letter = chars.next();
        let bare = letter == Some('-');
        if bare {
            letter = chars.next();
        }
        let two = |n: i64| if bare { n.to_string() } else { format!("{n:02}") };
        match letter {
            Some('Y') => out += &format!("{year:04}"),
            Some('y') => out += &format!("{:02}", year % 100),
            Some('m') => out += &two(month),
            Some('d') => out += &two(day),
            Some('H') => out += &two(h),
            Some('I') => out += &two(half),
            Some('M') => out += &two(m),
            Some('S') => out += &two(s),
            Some('p') => out += if h < 12 { "AM" } else { "PM" },
            Some('B') => out += month_name,
            Some('b' | 'h') => out += month_name.get(..3).unwrap_or_default(),
            Some('A') => out += day_name,
            Some('a') => out += day_name.get(..3).unwrap_or_default(),
            Some('F') => out += &format!("{year:04}-{month:02}-{day:02}"),
            Some('T') => out += &format!("{h:02}:{m:02}:{s:02}"),
            Some('%') => out.push('%'),
            Some(other) => out.extend(['%', other]),
            None => out.push('%'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_pythons() {
        let all = "%Y-%m-%d %H:%M:%S %B %b %A %a %p %I %y %-d %% %q";
        assert_eq!(strftime(all, 0), "1970-01-01 00:00:00 January Jan Thursday Thu AM 12 70 1 % %q");
        assert_eq!(strftime("%F %A", 1_709_164_800), "2024-02-29 Thursday");
        assert_eq!(strftime("%d %b %Y %I %p", 1_795_386_600), "22 Nov 2026 10 PM");
        assert_eq!(strftime("%F %T", -1), "1969-12-31 23:59:59");
        assert_eq!((strftime("%Y", i64::MAX), strftime("%Y", i64::MIN)), ("9999".into(), "0001".into()));
        assert_eq!(strftime("%", 0), "%");
    }
}

//! The report as one page that needs nothing else: no script, no picture, no address. In the house's colours, light and
//! dark, and fit to be printed.

use super::{Report, Section};
use std::fmt::Write;

const STYLE: &str = include_str!("report.css");

/// The page.
pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    let verdict = if report.holds { "holds" } else { "broken" };
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
        <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
        <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
        <header><p class=\"house\"><svg width=\"18\" height=\"20\" viewBox=\"0 0 18 20\" aria-hidden=\"true\"><path d=\"M1 19V9a8 8 0 0 1 16 0v10z\"/><circle cx=\"9\" cy=\"14.6\" r=\"3.4\"/></svg>Hearth</p>\n\
        <h1>{title}</h1>\n<p class=\"verdict {verdict}\">{said}</p></header>\n",
        title = escaped(&report.title),
        said = escaped(&report.verdict),
    );
    page.push_str("<ul class=\"glance\">");
    for (figure, words) in &report.glance {
        let _ = write!(page, "<li><b>{}</b><span>{}</span></li>", escaped(figure), escaped(words));
    }
    page.push_str("</ul>\n<main>\n");
    report.sections.iter().for_each(|one| section(&mut page, one));
    let _ = write!(page, "</main>\n<footer>{}</footer>\n</body>\n</html>\n", escaped(&report.foot));
    page
}

fn section(page: &mut String, section: &Section) {
    let _ = writeln!(page, "<section>\n<h2>{}</h2>", escaped(section.title));
    for said in &section.said {
        let _ = writeln!(page, "<p>{}</p>", escaped(said));
    }
    if section.rows.is_empty() {
        let _ = writeln!(page, "<p class=\"empty\">{}</p>\n</section>", escaped(section.empty));
        return;
    }
    page.push_str("<div class=\"wide\"><table><thead><tr>");
    for column in &section.columns {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(column));
    }
    page.push_str("</tr></thead><tbody>\n");
    for row in &section.rows {
        page.push_str("<tr>");
        for cell in row {
            let class = match cell {
                cell if cell.len() >= 40 && cell.chars().all(|c| c.is_ascii_hexdigit()) => " class=\"hash\"",
                cell if !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit()) => " class=\"figure\"",
                _ => "",
            };
            let _ = write!(page, "<td{class}>{}</td>", escaped(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n</section>\n");
}

/// A text that is only text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_is_never_markup() {
        let section = Section {
            title: "Refusals",
            said: vec!["<script>x</script>".into()],
            columns: vec!["A"],
            rows: vec![vec!["<img src=x onerror=y> & \"z\"".into()], vec!["42".into()], vec!["ab".repeat(32)]],
            empty: "",
        };
        let report = Report {
            title: "</title><b>".into(),
            holds: true,
            verdict: "Holds".into(),
            glance: vec![("1".into(), "<i>".into())],
            sections: vec![section],
            foot: "'".into(),
        };
        let page = page(&report);
        for markup in ["<script", "<img", "<i>", "<b>\n", "</title><b>"] {
            assert!(!page.contains(markup), "{markup}");
        }
        assert!(page.contains("&lt;img src=x onerror=y&gt; &amp; &quot;z&quot;"));
        assert!(page.contains("<td class=\"figure\">42</td>") && page.contains("<td class=\"hash\">abab"));
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("url("), "nothing is fetched");
    }
}
